// Distances between colours for every kind of colour vision, and their contrast to a background.

/** What an eye that lacks one kind of cone makes of linear RGB: Machado, Oliveira and Fernandes, 2009, severity 1. */
const VISIONS = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;
export type Vision = keyof typeof VISIONS;
export const visions = Object.keys(VISIONS) as Vision[];

type Triple = [number, number, number];

/** Linear RGB of `#rrggbb`, each 0 to 1. */
function linearOf(hex: string): Triple {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function product(matrix: readonly number[], [a, b, c]: Triple): Triple {
  const row = (at: number) => matrix[at]! * a + matrix[at + 1]! * b + matrix[at + 2]! * c;
  return [row(0), row(3), row(6)];
}

const TO_XYZ = [
  0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.072175, 0.0193339, 0.119192, 0.9503041,
];
const WHITE: Triple = [0.95047, 1, 1.08883];

/** CIE L*a*b* as an eye of that kind sees the colour. */
function labOf(hex: string, vision: Vision): Triple {
  const seen = product(VISIONS[vision], linearOf(hex)).map(value => Math.min(1, Math.max(0, value)));
  const [x, y, z] = product(TO_XYZ, seen as Triple).map((value, index) => {
    const t = value / WHITE[index]!;
    return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
  }) as Triple;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** CIE 1976: 2 is just noticeable side by side. */
export function differenceOf(one: string, other: string, vision: Vision): number {
  const [a, b] = [labOf(one, vision), labOf(other, vision)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** As WCAG defines it, 1 to 21. */
export function contrastOf(one: string, other: string): number {
  const luminance = (hex: string) => product(TO_XYZ, linearOf(hex))[1] + 0.05;
  const [a, b] = [luminance(one), luminance(other)];
  return Math.max(a, b) / Math.min(a, b);
}
