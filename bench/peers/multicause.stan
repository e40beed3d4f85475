// The multi-cause model, with latentdo's default priors written out: see references/models.py.
functions {
  vector scaled(vector x) {
    return (x - mean(x)) / sd(x);
  }
}
data {
  int<lower=1> n;
  array[n] int X1;
  array[n] int X2;
  array[n] int X3;
  array[n] int X4;
  array[n] int X5;
  array[n] int M;
  array[n] int Y;
}
transformed data {
  vector[n] X1_s = scaled(to_vector(X1));
  vector[n] X2_s = scaled(to_vector(X2));
  vector[n] X3_s = scaled(to_vector(X3));
  vector[n] X4_s = scaled(to_vector(X4));
  vector[n] X5_s = scaled(to_vector(X5));
  vector[n] M_s = scaled(to_vector(M));
}
parameters {
  vector[n] U1, U2, U3;
  real X1_intercept;
  real X1_U1;
  real X1_U2;
  real X1_U3;
  real X2_intercept;
  real X2_U1;
  real X2_U2;
  real X2_U3;
  real X3_intercept;
  real X3_U1;
  real X3_U2;
  real X3_U3;
  real X4_intercept;
  real X4_U1;
  real X4_U2;
  real X4_U3;
  real X5_intercept;
  real X5_U1;
  real X5_U2;
  real X5_U3;
  real M_intercept;
  real M_X1;
  real M_X2;
  real M_X3;
  real M_X4;
  real M_X5;
  real Y_intercept;
  real Y_M;
  real Y_U1;
  real Y_U2;
  real Y_U3;
}
model {
  U1 ~ std_normal();
  U2 ~ std_normal();
  U3 ~ std_normal();
  X1_intercept ~ normal(0, 3);
  X1_U1 ~ normal(0, 2);
  X1_U2 ~ normal(0, 2);
  X1_U3 ~ normal(0, 2);
  X1 ~ bernoulli_logit(X1_intercept + X1_U1 * U1 + X1_U2 * U2 + X1_U3 * U3);
  X2_intercept ~ normal(0, 3);
  X2_U1 ~ normal(0, 2);
  X2_U2 ~ normal(0, 2);
  X2_U3 ~ normal(0, 2);
  X2 ~ bernoulli_logit(X2_intercept + X2_U1 * U1 + X2_U2 * U2 + X2_U3 * U3);
  X3_intercept ~ normal(0, 3);
  X3_U1 ~ normal(0, 2);
  X3_U2 ~ normal(0, 2);
  X3_U3 ~ normal(0, 2);
  X3 ~ bernoulli_logit(X3_intercept + X3_U1 * U1 + X3_U2 * U2 + X3_U3 * U3);
  X4_intercept ~ normal(0, 3);
  X4_U1 ~ normal(0, 2);
  X4_U2 ~ normal(0, 2);
  X4_U3 ~ normal(0, 2);
  X4 ~ bernoulli_logit(X4_intercept + X4_U1 * U1 + X4_U2 * U2 + X4_U3 * U3);
  X5_intercept ~ normal(0, 3);
  X5_U1 ~ normal(0, 2);
  X5_U2 ~ normal(0, 2);
  X5_U3 ~ normal(0, 2);
  X5 ~ bernoulli_logit(X5_intercept + X5_U1 * U1 + X5_U2 * U2 + X5_U3 * U3);
  M_intercept ~ normal(0, 3);
  M_X1 ~ normal(0, 2);
  M_X2 ~ normal(0, 2);
  M_X3 ~ normal(0, 2);
  M_X4 ~ normal(0, 2);
  M_X5 ~ normal(0, 2);
  M ~ bernoulli_logit(M_intercept + M_X1 * X1_s + M_X2 * X2_s + M_X3 * X3_s + M_X4 * X4_s + M_X5 * X5_s);
  Y_intercept ~ normal(0, 3);
  Y_M ~ normal(0, 2);
  Y_U1 ~ normal(0, 2);
  Y_U2 ~ normal(0, 2);
  Y_U3 ~ normal(0, 2);
  Y ~ bernoulli_logit(Y_intercept + Y_M * M_s + Y_U1 * U1 + Y_U2 * U2 + Y_U3 * U3);
}
