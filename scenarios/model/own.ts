// In: a record by names from outside, and a name. Out: what it has of that name itself: `constructor` is a name like any other.

export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
