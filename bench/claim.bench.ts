/** Finding due leads touches what it finds, however many leads are stored and however many are overdue behind closed windows. */
import type { BenchContext } from "./bench.ts";
import { openDueOrg } from "./due-leads.ts";
import { openBenchDatabase } from "./house.ts";
import { pgTransport } from "./pg-transport.ts";

export const name = "claim";

const blocksMax = 60;
const growthMax = 1.5;

export async function run({ smoke, full, figure }: BenchContext): Promise<void> {
  const sizes = smoke ? [10_000] : full ? [10_000, 100_000, 1_000_000] : [10_000, 100_000];
  const perLead: number[] = [];
  for (const n of sizes) {
    const { find, claim, closed } = await blocksAt(n);
    const note = `the claim's selects without their lock; ${closed} leads overdue behind closed windows; planning left out`;
    figure({
      case: "finding 500 due leads",
      n,
      values: [find.blocks],
      unit: "blocks",
      atMost: blocksMax,
      blocksPerOp: find.blocks,
      note,
    });
    perLead.push(claim.blocks / claim.claimed);
    figure({
      case: "the claim as it runs",
      n,
      values: [claim.blocks / claim.claimed],
      unit: "blocks a lead",
      blocksPerOp: claim.blocks,
    });
  }
  const [first = Number.NaN] = perLead;
  const last = perLead.at(-1) ?? Number.NaN;
  if (perLead.length > 1)
    figure({
      case: `the claim's blocks by those at ${sizes[0]}`,
      n: sizes.at(-1) ?? 0,
      values: [last / first],
      unit: "times",
      atMost: growthMax,
    });
}

async function blocksAt(leads: number) {
  const { db, close } = await openBenchDatabase();
  const transport = pgTransport(db.connectionString, 1);
  try {
    const due = await openDueOrg(db, transport, leads);
    const find = await due.findBlocks();
    if (find.found !== 500) throw new Error(`${find.found} due leads were found where 500 are due`);
    const claim = await due.claimBlocks();
    if (claim.claimed !== 500) throw new Error(`${claim.claimed} leads were claimed where 500 were due`);
    return { find, claim, closed: await due.overdueClosed() };
  } finally {
    await transport.close();
    await close();
  }
}
