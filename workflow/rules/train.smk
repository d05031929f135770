"""Stage train: one job per model, training-set size and seed -> weights, history, predictions."""


rule train_retnet:
    input:
        dataset=dataset_files,
        # large, and vouched for by dataset.json
        energies=lambda wc: [ancient(path) for path in study_shards(wc, "energies.npy")],
        # another run's weights, if the model starts from them
        start=lambda wc: starts.start_files(config, wc.model, int(wc.split)),
    output:
        model="results/{study}/split{split}/{model}/n{size}/seed{seed}/model.safetensors",
        card="results/{study}/split{split}/{model}/n{size}/seed{seed}/model.json",
        history="results/{study}/split{split}/{model}/n{size}/seed{seed}/history.csv",
        predictions="results/{study}/split{split}/{model}/n{size}/seed{seed}/predictions.csv",
        run="results/{study}/split{split}/{model}/n{size}/seed{seed}/run.json",
        train_ids="results/{study}/split{split}/{model}/n{size}/seed{seed}/train_ids.txt",
    log:
        "results/logs/train/{study}/split{split}/{model}/n{size}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train/{study}/split{split}/{model}/n{size}/seed{seed}.tsv"
    wildcard_constraints:
        model=model_names(network=True),
    conda:
        "../../envs/gpu.yaml" if on_gpu("train_retnet") else "../../envs/cpu.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=memory("train_retnet"),
        runtime=minutes("train_retnet"),
        gpu=1 if GPUS else 0,
    params:
        size=lambda wc: layout.size_of(wc.size),
        options=lambda wc: starts.training_options(config, wc.model, int(wc.split)),
        code=code("train_retnet"),
    script:
        "../scripts/train_retnet.py"


rule train_baseline:
    input:
        dataset=dataset_files,
        energies=lambda wc: baseline_energies(wc, [wc.model]),
    output:
        model="results/{study}/split{split}/{model}/n{size}/seed{seed}/model.safetensors",
        card="results/{study}/split{split}/{model}/n{size}/seed{seed}/model.json",
        history="results/{study}/split{split}/{model}/n{size}/seed{seed}/history.csv",
        predictions="results/{study}/split{split}/{model}/n{size}/seed{seed}/predictions.csv",
        run="results/{study}/split{split}/{model}/n{size}/seed{seed}/run.json",
    log:
        "results/logs/train/{study}/split{split}/{model}/n{size}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train/{study}/split{split}/{model}/n{size}/seed{seed}.tsv"
    wildcard_constraints:
        model=model_names(network=False),
    conda:
        "../../envs/scores.yaml"
    # only a forest gains from more
    threads: lambda wc: 4 if MODELS[wc.model]["type"] == "random_forest" else 1
    resources:
        mem_mb=memory("train_baseline"),
        runtime=minutes("train_baseline"),
    params:
        size=lambda wc: layout.size_of(wc.size),
        options=lambda wc: MODELS[wc.model],
        code=code("train_baseline"),
    script:
        "../scripts/train_baseline.py"
