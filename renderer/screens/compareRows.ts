// Rows of two compared reports, by group: within a group what differs comes first. Pure.

export interface ComparedRow { group: string; what: string; a: string | null; b: string | null; change: number | null; differs: boolean }

/** Groups keep the order in which they came; those without a row left are gone. */
export function groupedRows(rows: readonly ComparedRow[], onlyDifferent: boolean): { group: string; rows: ComparedRow[] }[] {
  const groups = new Map<string, ComparedRow[]>()
  for (const row of rows) if (row.differs || !onlyDifferent) groups.set(row.group, [...(groups.get(row.group) ?? []), row])
  return [...groups].map(([group, found]) => ({ group, rows: [...found.filter((row) => row.differs), ...found.filter((row) => !row.differs)] }))
}
