// What every command inherits, asked once a screen or dialog with commands opens.
import { useAnswer } from './useAnswer.ts'

/** null: on its way, or not to be had. */
export function useInherited(): Record<string, string> | null {
  return useAnswer('inherited', (client) => client.host.environment()).answer
}
