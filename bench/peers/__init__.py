"""The other programs on the four studies: each file runs in a process, and perhaps a Python, of its own.

They share one way of being called, `FILE STUDY ROWS.npz DRAWS.npz --chains … --warmup … --draws … --seed …`, and write every
parameter but the latents as (chain, draw) under the name `NODE_PARENT`, `NODE_intercept`, `NODE_excess`, `NODE_shape`.
"""
