/** Phrases as counsel reads them: one list, parted by commas. */
export const listed = (phrases: string): readonly string[] => phrases.split(", ");
