/** Does the work of each item, a few at once. What throws ends its own row of work, and is thrown when the others have ended. */
export async function sideBySide<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const row = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, row));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
}
