// The CUDA version that the driver supports at most, out of `nvidia-smi -q -x`. Pure.

/** For one GPU: the answer for many is long. */
export const cudaVersionArguments = (gpuUuid: string): string[] => ['-q', '-x', '-i', gpuUuid]

/** Not the version of the CUDA that an engine was built with. 610 calls it the version of the user-mode driver. Null: it is not told. */
export function parseCudaVersion(answer: string): string | null {
  return /<cuda(?:_umd)?_version>\s*(\d+(?:\.\d+)*)\s*</.exec(answer)?.[1] ?? null
}
