"""Stage insight: trained networks and their voxels -> figures of what happens in them."""


localrules:
    augmentations,
    forward_pass,
    histories,


rule augmentations:
    input:
        dataset=dataset_files,
        energies=drawn_energies,
    output:
        multiext("results/{study}/split{split}/figures/augmentations", ".pdf", ".svg", ".csv"),
        png=report(
            "results/{study}/split{split}/figures/augmentations.png",
            caption="../report/augmentations.rst",
            category="{study}",
            labels={"what": "data augmentation"},
        ),
    log:
        "results/logs/figures/{study}/split{split}/augmentations.log",
    benchmark:
        "results/benchmarks/figures/{study}/split{split}/augmentations.tsv"
    conda:
        "../../envs/cpu.yaml"
    params:
        structure=drawn_structure,
        augmentation=lambda wc: insight.augmentation(config, wc.study),
        view=lambda wc: insight.view(config, wc.study),
        code=code("augmentations"),
    script:
        "../scripts/augmentations.py"


rule forward_pass:
    input:
        dataset=dataset_files,
        energies=drawn_energies,
        model=lambda wc: shown_run(wc, "model.safetensors"),
        card=lambda wc: shown_run(wc, "model.json"),
    output:
        multiext("results/{study}/split{split}/figures/forward_pass", ".pdf", ".svg", ".csv"),
        png=report(
            "results/{study}/split{split}/figures/forward_pass.png",
            caption="../report/forward_pass.rst",
            category="{study}",
            labels={"what": "one structure through the network"},
        ),
    log:
        "results/logs/figures/{study}/split{split}/forward_pass.log",
    benchmark:
        "results/benchmarks/figures/{study}/split{split}/forward_pass.tsv"
    conda:
        "../../envs/cpu.yaml"
    params:
        structure=drawn_structure,
        code=code("forward_pass"),
    script:
        "../scripts/forward_pass.py"


rule fingerprints:
    input:
        dataset=dataset_files,
        energies=drawn_energies,
        model=lambda wc: shown_run(wc, "model.safetensors"),
        card=lambda wc: shown_run(wc, "model.json"),
    output:
        multiext("results/{study}/split{split}/figures/fingerprints", ".pdf", ".svg", ".csv"),
        multiext("results/{study}/split{split}/figures/fingerprint_map", ".pdf", ".svg", ".csv"),
        heat=report(
            "results/{study}/split{split}/figures/fingerprints.png",
            caption="../report/fingerprints.rst",
            category="{study}",
            labels={"what": "fingerprints"},
        ),
        map=report(
            "results/{study}/split{split}/figures/fingerprint_map.png",
            caption="../report/fingerprint_map.rst",
            category="{study}",
            labels={"what": "map of fingerprints"},
        ),
    log:
        "results/logs/figures/{study}/split{split}/fingerprints.log",
    benchmark:
        "results/benchmarks/figures/{study}/split{split}/fingerprints.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 4
    resources:
        mem_mb=memory("fingerprints"),
        runtime=minutes("fingerprints"),
    params:
        code=code("fingerprints"),
    script:
        "../scripts/fingerprints.py"


rule histories:
    input:
        histories=lambda wc: histories_of(wc, "history.csv"),
        runs=lambda wc: histories_of(wc, "run.json"),
    output:
        multiext("results/{study}/split{split}/figures/histories", ".pdf", ".svg", ".csv"),
        png=report(
            "results/{study}/split{split}/figures/histories.png",
            caption="../report/histories.rst",
            category="{study}",
            labels={"what": "training histories"},
        ),
    log:
        "results/logs/figures/{study}/split{split}/histories.log",
    conda:
        "../../envs/cpu.yaml"
    params:
        unit=lambda wc: specs.dataset_spec(config, wc.study, int(wc.split))["target"]["unit"],
        code=code("histories"),
    script:
        "../scripts/histories.py"
