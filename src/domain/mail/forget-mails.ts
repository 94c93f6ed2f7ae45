import * as queries from "../../db/queries/mails.ts";
import type { SystemDb } from "../../db/system-db.ts";
import { rowsOf } from "../../db/transport.ts";

/** Takes away mails that ended long ago. @returns how many. */
export async function forgetMails(system: SystemDb, rowsMax: number, keepDays: number): Promise<number> {
  const [answer] = await system.query(queries.forgetMails(rowsMax, keepDays));
  return answer === undefined ? 0 : (rowsOf<{ forgotten: number }>(answer)[0]?.forgotten ?? 0);
}
