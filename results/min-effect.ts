// The defaults of --min-effect, in a file that the help of the commands can read without loading the statistics.

/**
 * Smaller changes than this are ignored by ab and bisect. The whole interval of a change must lie beyond it, so a threshold of half the change to be detected would already be
 * too large.
 */
export const AB_MIN_EFFECT = 0.02;

/** Smaller changes than this are ignored by gate, compare and ci, and need not be detectable in a baseline. */
export const GATE_MIN_EFFECT = 0.05;
