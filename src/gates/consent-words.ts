/** Soft hyphens and their kin part words for a reader of characters alone. */
export const invisible = /\p{Cf}/gu;

/** Lower case, in words: "ACME SOLAR, L.L.C." and "Acme Solar LLC" are the same name. */
export function normalise(text: string): string {
  return text
    .normalize("NFKC")
    .replace(invisible, "")
    .toLowerCase()
    .replace(/(?<![\p{L}\p{N}])(\p{L})\./gu, "$1")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Beyond this a text is read no further: what would be proven there is not proven, and it may deny what stands before. */
export const textLengthMax = 20_000;
