"""Models of the Llama family as Hugging Face stores them: a folder with config.json and safetensors files.

`config_reading` and `config_writing` translate the configuration, `weight_names` and `rope_pairing` the
weights; `weight_files` finds and reads them, `loading` puts them into a model, `llama_weights` takes them
out of one.
"""
