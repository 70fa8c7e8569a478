"""The size of a clinic's logo on its documents."""

# The largest file that is taken, and kept after it was written anew, in bytes.
LARGEST_LOGO = 200_000
# The largest width and height, in pixels: more is not seen on paper.
LARGEST_SIDE = 2_000
