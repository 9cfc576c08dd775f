// In: nothing. Out: the names of the files that a stored run consists of.

export const RUNS_FOLDER = 'runs';
/** A text file with the id of the newest run: works where symbolic links need a privilege. */
export const LATEST_FILE = 'latest';
export const RUN_FILE = 'run.json';
export const TRIALS_FILE = 'trials.ndjson';
