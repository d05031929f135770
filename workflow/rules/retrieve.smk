"""Stage retrieve: what is not on this machine yet is downloaded, checked, and then left alone."""


localrules:
    retrieve,


rule retrieve:
    output:
        "results/sources/{dataset}/{key}/{file}",
    log:
        "results/logs/retrieve/{dataset}/{key}/{file}.log",
    retries: 2
    conda:
        "../../envs/cpu.yaml"
    params:
        urls=lambda wc: download_spec(wc)["urls"],
        sha256=lambda wc: download_spec(wc)["sha256"],
        size_bytes=lambda wc: download_spec(wc)["size_bytes"],
        lock="results/sources/{dataset}/checksums.json",
    script:
        "../scripts/retrieve.py"
