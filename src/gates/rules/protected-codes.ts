/** Emergency and service codes that no org can lift. Hospital and care-home lines are not public: operator entries. */
export const protectedCodes: readonly string[] = ["211", "311", "411", "511", "611", "711", "811", "911", "988"];
