import type { Statement } from "../transport.ts";

/** A place to judge (or, without one, a marked person who has none), with every version from before its facts are read. */
export interface StaleRow {
  readonly person: string;
  readonly person_version: number;
  /** Which change marked the person; null where only the time has come. */
  readonly mark: string | null;
  readonly enrolment: string | null;
  readonly campaign: string | null;
  readonly lead: string | null;
  readonly row_version: string | null;
  /** The person's lead was refused on arrival, and evidence came since. */
  readonly refused_lead: boolean;
  readonly org_version: number;
  readonly platform_version: number;
}
export const takeStaleStanding = (max: number): Statement => ({
  name: "app.take_stale_standing",
  text: `select person, person_version, mark, enrolment, campaign, lead, row_version, refused_lead, org_version, platform_version
    from app.take_stale_standing($1)`,
  params: [max],
});

export interface JudgedStanding {
  readonly orgVersion: number;
  readonly platformVersion: number;
  readonly persons: readonly { readonly id: string; readonly mark: string; readonly version: number }[];
  readonly places: readonly {
    readonly enrolmentId: string;
    readonly rowVersion: string;
    readonly personVersion: number;
    readonly standing: string;
    readonly validUntil: string | null;
  }[];
}
/** Answers how many places and marks it has done with; what moved meanwhile stays stale. */
export const keepStanding = ({ orgVersion, platformVersion, persons, places }: JudgedStanding): Statement => ({
  name: "app.keep_standing",
  text: `select app.keep_standing($1, $2, $3::uuid[], $4::text[], $5::bigint[], $6::uuid[], $7::text[], $8::bigint[], $9::text[],
    $10::timestamptz[]) as kept`,
  params: [
    orgVersion,
    platformVersion,
    persons.map((person) => person.id),
    persons.map((person) => person.mark),
    persons.map((person) => person.version),
    places.map((place) => place.enrolmentId),
    places.map((place) => place.rowVersion),
    places.map((place) => place.personVersion),
    places.map((place) => place.standing),
    places.map((place) => place.validUntil),
  ],
});

/** In the change that appends consent evidence; other facts mark their persons by themselves. The writer holds the persons. */
export const markStanding = (personIds: readonly string[]): Statement => ({
  name: "app.mark_standing",
  text: "select app.mark_standing($1::uuid[])",
  params: [personIds],
});

/** In a change that the standing gates of the whole org read: all of its results are stale from then on. */
export const startSweep = (): Statement => ({
  name: "standing.start_sweep",
  text: `insert into standing_sweeps (org_id, platform_version, after_person)
    select (select app.org()), f.facts_version, '00000000-0000-0000-0000-000000000000' from platform_facts f where f.id = 1
    on conflict (org_id) do update set after_person = excluded.after_person`,
  params: [],
});

/** Carries such a change to the next persons, as far as there is room for so many marks. Never beside `keepStanding`: it waits. */
export const sweepStanding = (marksMax: number): Statement => ({
  name: "app.sweep_standing",
  text: "select app.sweep_standing($1)",
  params: [marksMax],
});
