"""Stage retrieve: what is not on this machine yet is downloaded, checked, and then left alone."""


localrules:
    retrieve,


rule retrieve:
    output:
        "results/sources/{key}/{file}",
    log:
        "results/logs/retrieve/{key}/{file}.log",
    retries: 2
    conda:
        "../../envs/data.yaml"
    params:
        # addresses are no parameters: they may change, and a file that is here need not come again
        name=download_name,
        lock="results/sources/checksums.json",
    script:
        "../scripts/retrieve.py"
