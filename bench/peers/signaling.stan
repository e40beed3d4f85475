// Growth-factor signaling, with latentdo's default priors written out: see references/models.py.
functions {
  vector scaled(vector x) {
    return (x - mean(x)) / sd(x);
  }
  vector share_logit(vector y) {
    return logit(fmin(fmax(y / 100, 0.01), 0.99));
  }
}
data {
  int<lower=1> n;
  vector[n] SOS;
  vector[n] PI3K;
  vector[n] Ras;
  vector[n] AKT;
  vector[n] Raf;
  vector[n] Mek;
  vector[n] Erk;
}
transformed data {
  vector[n] SOS_s = scaled(SOS);
  vector[n] PI3K_s = scaled(PI3K);
  vector[n] Ras_s = scaled(Ras);
  vector[n] AKT_s = scaled(AKT);
  vector[n] Raf_s = scaled(Raf);
  vector[n] Mek_s = scaled(Mek);
  vector[n] SOS_l = share_logit(SOS);
  vector[n] PI3K_l = share_logit(PI3K);
  vector[n] Ras_l = share_logit(Ras);
  vector[n] AKT_l = share_logit(AKT);
  vector[n] Raf_l = share_logit(Raf);
  vector[n] Mek_l = share_logit(Mek);
  vector[n] Erk_l = share_logit(Erk);
}
parameters {
  vector[n] EGF, IGF;
  real SOS_intercept;
  real<lower=0> SOS_EGF;
  real<lower=0> SOS_IGF;
  real<lower=0> SOS_excess;
  real PI3K_intercept;
  real<lower=0> PI3K_EGF;
  real<lower=0> PI3K_IGF;
  real<lower=0> PI3K_Ras;
  real<lower=0> PI3K_excess;
  real Ras_intercept;
  real<lower=0> Ras_SOS;
  real<lower=0> Ras_excess;
  real AKT_intercept;
  real<lower=0> AKT_PI3K;
  real<lower=0> AKT_excess;
  real Raf_intercept;
  real<lower=0> Raf_Ras;
  real<lower=0> Raf_AKT;
  real<lower=0> Raf_excess;
  real Mek_intercept;
  real<lower=0> Mek_Raf;
  real<lower=0> Mek_excess;
  real Erk_intercept;
  real<lower=0> Erk_Mek;
  real<lower=0> Erk_excess;
}
model {
  EGF ~ std_normal();
  IGF ~ std_normal();
  SOS_intercept ~ normal(mean(SOS_l), 2 * sd(SOS_l));
  SOS_EGF ~ normal(0, sd(SOS_l));
  SOS_IGF ~ normal(0, sd(SOS_l));
  SOS_excess ~ normal(0, sd(SOS));
  SOS ~ normal(100 * inv_logit(SOS_intercept + SOS_EGF * EGF + SOS_IGF * IGF), 0.05 * sd(SOS) + SOS_excess);
  PI3K_intercept ~ normal(mean(PI3K_l), 2 * sd(PI3K_l));
  PI3K_EGF ~ normal(0, sd(PI3K_l));
  PI3K_IGF ~ normal(0, sd(PI3K_l));
  PI3K_Ras ~ normal(0, sd(PI3K_l));
  PI3K_excess ~ normal(0, sd(PI3K));
  PI3K ~ normal(100 * inv_logit(PI3K_intercept + PI3K_EGF * EGF + PI3K_IGF * IGF + PI3K_Ras * Ras_s), 0.05 * sd(PI3K) + PI3K_excess);
  Ras_intercept ~ normal(mean(Ras_l), 2 * sd(Ras_l));
  Ras_SOS ~ normal(0, sd(Ras_l));
  Ras_excess ~ normal(0, sd(Ras));
  Ras ~ normal(100 * inv_logit(Ras_intercept + Ras_SOS * SOS_s), 0.05 * sd(Ras) + Ras_excess);
  AKT_intercept ~ normal(mean(AKT_l), 2 * sd(AKT_l));
  AKT_PI3K ~ normal(0, sd(AKT_l));
  AKT_excess ~ normal(0, sd(AKT));
  AKT ~ normal(100 * inv_logit(AKT_intercept + AKT_PI3K * PI3K_s), 0.05 * sd(AKT) + AKT_excess);
  Raf_intercept ~ normal(mean(Raf_l), 2 * sd(Raf_l));
  Raf_Ras ~ normal(0, sd(Raf_l));
  Raf_AKT ~ normal(0, sd(Raf_l));
  Raf_excess ~ normal(0, sd(Raf));
  Raf ~ normal(100 * inv_logit(Raf_intercept + Raf_Ras * Ras_s - Raf_AKT * AKT_s), 0.05 * sd(Raf) + Raf_excess);
  Mek_intercept ~ normal(mean(Mek_l), 2 * sd(Mek_l));
  Mek_Raf ~ normal(0, sd(Mek_l));
  Mek_excess ~ normal(0, sd(Mek));
  Mek ~ normal(100 * inv_logit(Mek_intercept + Mek_Raf * Raf_s), 0.05 * sd(Mek) + Mek_excess);
  Erk_intercept ~ normal(mean(Erk_l), 2 * sd(Erk_l));
  Erk_Mek ~ normal(0, sd(Erk_l));
  Erk_excess ~ normal(0, sd(Erk));
  Erk ~ normal(100 * inv_logit(Erk_intercept + Erk_Mek * Mek_s), 0.05 * sd(Erk) + Erk_excess);
}
