/** What figures are made of, and how a table of them is laid out. */

/** Of an even number of figures, half-way between the two in the middle. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that `share` of the numbers do not exceed. */
export function percentile(numbers, share) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export const rounded = (value, places = 2) => Number(value.toFixed(places));

/** A line of cells: the first to the left, the others to the right. */
export function row([first, ...cells]) {
  return first.padEnd(16) + cells.map((cell) => String(cell).padStart(12)).join("");
}
