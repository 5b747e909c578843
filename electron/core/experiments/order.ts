// In which order arms take turns. Pure; the plan's seed makes it repeatable.

/** Arms of every round: A B C, then C B A, and so on, so that a steady drift weighs on all alike. The seed chooses who begins. */
export function orderOf<Arm>(arms: readonly Arm[], rounds: number, seed: number): Arm[][] {
  const first = arms.length === 0 ? 0 : seed % arms.length
  const forth = [...arms.slice(first), ...arms.slice(0, first)]
  const back = [...forth].reverse()
  return Array.from({ length: rounds }, (_, round) => (round % 2 === 0 ? forth : back))
}

/** Cold arms are loaded once per half of the rounds: forth in the first half, back in the second. */
export function halvesOf(rounds: number): number[][] {
  const all = Array.from({ length: rounds }, (_, round) => round)
  const middle = Math.ceil(rounds / 2)
  return [all.slice(0, middle), all.slice(middle)].filter((half) => half.length > 0)
}
