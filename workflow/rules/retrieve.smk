"""Stage retrieve: what is not on this machine yet is downloaded, checked, and then left alone."""


def download_spec(wildcards):
    """The entry of a download, found by the path that its urls and checksum give."""
    entry = config["datasets"][wildcards.dataset]
    files = [entry["structures"], *(table["file"] for table in entry["tables"])]
    wanted = layout.RESULTS / "sources" / wildcards.dataset / wildcards.key / wildcards.file
    for spec in files:
        if "urls" in spec and layout.source_path(wildcards.dataset, spec) == wanted:
            return spec
    raise WorkflowError(f"No file of dataset {wildcards.dataset} is downloaded to {wanted}.")


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
