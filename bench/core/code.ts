// In: nothing. Out: the noun Code: which code an arm's processes run, when it is not what is running here.

/** A checkout or installation of conntax, or this one with other versions of some packages. */
export interface Code {
  /** What it is called in reports, such as `undici 7.30.2` or a folder. */
  label: string;
  /** Folder of another checkout or installation; null: the code that is running here. */
  dir: string | null;
  /** Packages to take from elsewhere: by name, a folder whose node_modules holds it. */
  packages: Readonly<Record<string, string>>;
}
