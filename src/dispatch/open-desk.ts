import { type SnapshotDesk, snapshotDesk } from "../domain/decisions/snapshot.ts";
import { phoneMemo } from "../lib/phone.ts";
import { zoneBook } from "../lib/time-zones.ts";

/** Zones, numbering blocks and rule packs as snapshots need them: facts of the build, of no org and no person. */
export const openDesk = (): SnapshotDesk => snapshotDesk(zoneBook(), phoneMemo());
