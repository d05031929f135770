"""What can be asked for by name: nothing is computed by these rules themselves."""


rule henry:
    input:
        plan.henry_targets(config),


rule compare_voxels:
    input:
        comparison_targets,


rule thesis:
    input:
        thesis_targets,


rule models:
    input:
        screening.bundles(config),


rule screen:
    input:
        screen_targets,
