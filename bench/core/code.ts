// In: nothing. Out: the nouns Code and CellTarget: which code a process of a cell runs, when it is not what is running here.

/** A checkout or installation of conntax, or this one with other versions of some packages. */
export interface Code {
  /** What it is called in reports, such as `undici 7.30.2` or a folder. */
  label: string;
  /** Folder of another checkout or installation; null: the code that is running here. */
  dir: string | null;
  /** Packages to take from elsewhere: by name, a folder whose node_modules holds it. */
  packages: Readonly<Record<string, string>>;
}

/** A target process of a cell. */
export interface CellTarget {
  /** Those that are measured against it. */
  arms: readonly string[];
  /** Whose code it runs; ours unless given. */
  code?: Code;
}
