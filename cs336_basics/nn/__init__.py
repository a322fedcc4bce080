"""The model's parts as modules: each owns its weights and calls the functions of `cs336_basics.functional`.

Reading order: `linear`, `embedding`, `rmsnorm`, `swiglu`, `rope`, `attention`, `block`, `transformer_lm`;
`init` has every initialisation rule, `config` what can be chosen, `build` puts the chosen parts together,
`kv_cache` and `decoding_step` are for generation.
"""
