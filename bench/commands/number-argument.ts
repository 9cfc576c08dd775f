// In: what a number on the command line must be. Out: a parser of it that says so.
import { InvalidArgumentError } from 'commander';

export function number(test: (value: number) => boolean, what: string): (text: string) => number {
  return text => {
    const value = Number(text);
    if (text.trim() === '' || !test(value)) throw new InvalidArgumentError(`It must be ${what}.`);
    return value;
  };
}

/** Above 0, at most 1. */
export const asRatio = number(n => n > 0 && n <= 1, 'between 0 and 1');
