"""Stage screen: new structures and a trained model -> a ranked table, a map and a page of candidates."""


rule screen_shard:
    input:
        model=screen_model,
        index=lambda wc: screen_voxels(wc, "index.csv"),
        ledger=lambda wc: screen_voxels(wc, "ledger.csv"),
        record=lambda wc: screen_voxels(wc, "shard.json"),
        # large, and vouched for by shard.json
        energies=lambda wc: [ancient(path) for path in screen_voxels(wc, "energies.npy")],
    output:
        table="results/screens/{screen}/shards/shard{shard}.csv",
        rejected="results/screens/{screen}/shards/shard{shard}.rejected.csv",
    log:
        "results/logs/screen_shard/{screen}/shard{shard}.log",
    benchmark:
        "results/benchmarks/screen_shard/{screen}/shard{shard}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    resources:
        mem_mb=memory("screen_shard"),
        runtime=minutes("screen_shard"),
    params:
        model=lambda wc: screen_of(wc)["folder"],
        expected=lambda wc: screen_of(wc)["expected"],
        folders=screen_channels,
        level=lambda wc: screen_of(wc)["level"],
        table=lambda wc: screen_of(wc)["table"],
        id_column=lambda wc: screen_of(wc)["id_column"],
        table_sha256=lambda wc: screening.table_digest(screen_of(wc)),
        code=code("screen_shard"),
    script:
        "../scripts/screen_shard.py"


rule ranking:
    input:
        model=screen_model,
        tables=lambda wc: screen_shards(wc, ".csv"),
        rejected=lambda wc: [
            screen_structures(wc, "rejected.csv"),
            *screen_shards(wc, ".rejected.csv"),
        ],
        manifest=lambda wc: screen_structures(wc, "manifest.csv"),
    output:
        ranked=report(
            "results/screens/{screen}/ranked.csv",
            caption="../report/ranked.rst",
            category="Screenings",
            labels={"what": "{screen}: all structures, best first"},
        ),
        rejected="results/screens/{screen}/rejected.csv",
        summary="results/screens/{screen}/summary.json",
    log:
        "results/logs/ranking/{screen}.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=memory("ranking"),
        runtime=minutes("ranking"),
    params:
        model=lambda wc: screen_of(wc)["folder"],
        level=lambda wc: screen_of(wc)["level"],
        code=code("ranking"),
    script:
        "../scripts/ranking.py"


rule screen_map:
    input:
        model=screen_model,
        ranked="results/screens/{screen}/ranked.csv",
    output:
        multiext("results/screens/{screen}/figures/screen_map", ".pdf", ".svg", ".csv"),
        png=report(
            "results/screens/{screen}/figures/screen_map.png",
            caption="../report/screen_map.rst",
            category="Screenings",
            labels={"what": "{screen}: where the structures lie"},
        ),
    log:
        "results/logs/screen_map/{screen}.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=memory("screen_map"),
        runtime=minutes("screen_map"),
    params:
        model=lambda wc: screen_of(wc)["folder"],
        code=code("screen_map"),
    script:
        "../scripts/screen_map.py"


rule candidates:
    input:
        model=screen_model,
        ranked="results/screens/{screen}/ranked.csv",
        summary="results/screens/{screen}/summary.json",
        shards=lambda wc: screen_structures(wc, "shards.json"),
        index=lambda wc: drawn_screen_voxels(wc, "index.csv"),
        # large, and vouched for by shard.json
        energies=lambda wc: [ancient(path) for path in drawn_screen_voxels(wc, "energies.npy")],
    output:
        page=report(
            "results/screens/{screen}/candidates.html",
            caption="../report/candidates.rst",
            category="Screenings",
            labels={"what": "{screen}: the best structures"},
        ),
    log:
        "results/logs/candidates/{screen}.log",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=memory("candidates"),
        runtime=minutes("candidates"),
    params:
        model=lambda wc: screen_of(wc)["folder"],
        voxels=lambda wc: next(iter(screen_channels(wc).values())),
        top=lambda wc: screen_of(wc)["top"],
        code=code("candidates"),
    script:
        "../scripts/candidates.py"
