# What we use of mir_eval, which has no types of its own.
from mir_eval import beat as beat
from mir_eval import util as util
