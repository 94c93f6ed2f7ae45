import type { SystemDb } from "../db/system-db.ts";
import { forgetMails } from "../domain/mail/forget-mails.ts";

/** As long as somebody may ask what became of a mail (docs/operating.md). */
const keepDays = 30;
/** More than come: a sender sends two a second at most. What piled up goes in the ticks after. */
const rowsMax = 1_000;

/** One bounded statement a tick, over what an index holds in order. @returns how many rows it took away. */
export const sweepMails = (system: SystemDb): Promise<number> => forgetMails(system, rowsMax, keepDays);
