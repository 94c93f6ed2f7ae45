import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/** A change of what the org's dials are judged by: every permit minted before it is void (place compares versions). */
export function bumpOrg(): Statement {
  return {
    name: "org_facts.bump",
    text: `update org_facts f set facts_version = f.facts_version + 1 where ${inOrg("f")}`,
    params: [],
  };
}

/** Keeps what changes the whole org, as a launch that enrols its leads, out until this change has committed. Before any person. */
export function shareOrg(): Statement {
  return { name: "org_facts.share", text: `select f.facts_version from org_facts f where ${inOrg("f")} for share`, params: [] };
}
