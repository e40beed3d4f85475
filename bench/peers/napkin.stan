// The napkin, with latentdo's default priors written out: see references/models.py.
functions {
  vector scaled(vector x) {
    return (x - mean(x)) / sd(x);
  }
}
data {
  int<lower=1> n;
  vector[n] W;
  vector[n] R;
  array[n] int X;
  vector[n] Y;
}
transformed data {
  vector[n] W_s = scaled(W);
  vector[n] R_s = scaled(R);
  vector[n] X_s = scaled(to_vector(X));
  vector[n] W_l = log(W);
}
parameters {
  vector[n] U, V;
  real W_intercept;
  real W_U;
  real W_V;
  real<lower=0> W_shape;
  real R_intercept;
  real R_W;
  real<lower=0> R_excess;
  real X_intercept;
  real X_R;
  real X_U;
  real Y_intercept;
  real Y_X;
  real Y_V;
  real<lower=0> Y_excess;
}
model {
  U ~ std_normal();
  V ~ std_normal();
  W_intercept ~ normal(mean(W_l), 2 * sd(W_l));
  W_U ~ normal(0, sd(W_l));
  W_V ~ normal(0, sd(W_l));
  W_shape ~ normal(0, 10);
  W ~ gamma(W_shape, W_shape * exp(-(W_intercept + W_U * U + W_V * V)));
  R_intercept ~ normal(mean(R), 2 * sd(R));
  R_W ~ normal(0, sd(R));
  R_excess ~ normal(0, sd(R));
  R ~ normal(R_intercept + R_W * W_s, 0.05 * sd(R) + R_excess);
  X_intercept ~ normal(0, 3);
  X_R ~ normal(0, 2);
  X_U ~ normal(0, 2);
  X ~ bernoulli_logit(X_intercept + X_R * R_s + X_U * U);
  Y_intercept ~ normal(mean(Y), 2 * sd(Y));
  Y_X ~ normal(0, sd(Y));
  Y_V ~ normal(0, sd(Y));
  Y_excess ~ normal(0, sd(Y));
  Y ~ normal(Y_intercept + Y_X * X_s + Y_V * V, 0.05 * sd(Y) + Y_excess);
}
