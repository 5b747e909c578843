// refused: /proc is read in core/host/procfs.ts only
export const path = '/proc/locks'
export const other = (pid: number) => `/proc/${pid}/stat`
