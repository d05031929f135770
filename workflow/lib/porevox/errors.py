"""What can go wrong, in words a user can act on."""

#: Why a structure, a label or a descriptor row is not used. The codes stand in every ledger.
REASONS = {
    # structures: looking into a folder or an archive
    "unsafe_path": "the archive member's name points outside the archive",
    "duplicate_id": "another file of the same name came first",
    "not_a_file": "a link or a device, not a regular file",
    "bad_name": "the file name leaves no usable id",
    # voxels: reading a CIF and computing its energies
    "unreadable_cif": "neither gemmi nor pymatgen can read the file",
    "no_atoms": "the file lists no atoms",
    "unknown_element": "an element has no force-field parameters, or no ionisation energies for charges",
    "partial_occupancy": "sites are only partly occupied",
    "overlapping_atoms": "atoms lie closer to each other than is possible",
    "absurd_cell": "the cell is degenerate, or far too small or large for its atoms",
    "too_large": "the file is implausibly large, or its energies would need more memory than the job has",
    "no_charges": "this voxel channel needs partial charges: the file carries none, or none could be found",
    "net_charge": "the partial charges do not add up to a neutral cell",
    "timeout": "reading the file and computing its energies took longer than is allowed",
    "worker_crashed": "the process that read the file died",
    # published: reading voxels that others computed
    "voxels_not_finite": "the published voxels hold NaN, or an infinity that no energy can have",
    "negative_factor": "a published Boltzmann factor is negative",
    # dataset: joining structures, labels and descriptors
    "no_structure": "the label table names a structure that the source does not hold",
    "no_label": "the structure is missing from the label table",
    "label_not_finite": "the label is empty, not a number, NaN or infinite",
    "duplicate_label": "the label table lists the id more than once",
    "known_faulty": "the dataset's entry lists the row as faulty",
    "descriptor_not_finite": "a descriptor is empty, not a number, NaN or infinite",
    "incomplete_row": "another column of the label table has no value, and the dataset wants complete rows",
    "not_in_split": "the split lists do not name the structure",
    # screen: asking a trained model
    "input_not_finite": "what the model would see of the voxels is beyond all numbers",
}


class PorevoxError(Exception):
    """A failure the user can mend; its text is one sentence: what, where, what to do."""


class StructureRejected(Exception):
    """One structure cannot be used; the rest of its shard goes on.

    Parameters
    ----------
    code : str
        A key of :data:`REASONS`.
    detail : str
        One sentence naming the cause, for the ledger.
    """

    def __init__(self, code: str, detail: str):
        if code not in REASONS:
            raise ValueError(f"unknown reason code {code!r}")
        super().__init__(detail)
        self.code = code
        self.detail = detail
