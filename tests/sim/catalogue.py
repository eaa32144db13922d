"""Which counters show that an entry of faults.md has occurred: the S entries of the groups Network, Crash, Disk, Clock,
Restore, Malicious peer and Resources.

Not here: R6 and the half of C4 that concerns record keys (rotation of record keys is not in this release), and what
faults.md gives to real processes, units or the console alone.
"""

ENTRIES = {
    "N1": ("batch_lost",),
    "N2": ("receipt_lost", "crash:between commit and sending"),
    "N3": ("duplicate", "lie:replay"),
    "N4": ("reorder",),
    "N5": ("cut_off", "cut_off:worked"),
    "N6": ("one_way",),
    "N8": ("attachment_cut",),
    "N9": ("away", "away:waiting", "away:delivered"),
    "N10": ("swizzle",),
    "N11": ("night_missed", "night_caught_up"),
    "C1": ("crash:begin", "crash:append", "crash:put", "crash:new log", "crash:before commit", "crash:after commit",
           "crash:after projection", "crash:between commit and sending", "restart"),
    "C4": ("renewed", "renewal_lost"),
    "C5": ("poisoned",),
    "C6": ("projection_lost", "crash:before commit"),
    "C8": ("crash:in a night", "night_ran"),
    "D1": ("rot:header", "rot:payload", "rot:signature", "rot:salt", "rot:record_id", "rot:lost rows", "repaired"),
    "D2": ("rot:board", "rot:place"),
    "D3": ("torn", "torn:told"),
    "D7": ("rot:attachment",),
    "D8": ("rot:old chunk", "rot:log row"),
    "D9": ("slow", "slow:queue"),
    "K1": ("clock_skew", "clock_ahead", "clock_back", "leapt"),
    "K2": ("lie:backdated",),
    "K6": ("night_again", "night_ran"),
    "R1": ("rolled_back",),
    "R2": ("restored", "restored:alone"),
    "R3": (
        "cloned", "clone_noticed", "clone_chosen", "clone_survived", "clone_unheard", "clone_again", "clone_both",
        "clone_quiet",
    ),
    "R8": ("rolled_back:parent", "restored:parent", "torn:parent"),
    "R9": ("rebuilt",),
    "B8": ("frozen", "frozen:said"),
    "X4": ("stampede", "night_ran"),
    "X5": ("valid_flood", "quota_slowed"),
}  # fmt: skip
