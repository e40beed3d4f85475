"""The trained model as users hold it: `Posterior`, its summary, the labels of its parameters, the check of its priors."""
