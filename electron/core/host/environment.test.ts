import { describe, expect, it } from 'vitest'
import { cleanEnvironment } from './environment.ts'

const LOGIN = { HOME: '/home/ada', PATH: '/usr/local/bin:/usr/bin', LANG: 'C.UTF-8', CUDA_VISIBLE_DEVICES: '0', HF_TOKEN: 'hf_keepme', TEST: 'mine' }

describe('cleanEnvironment', () => {
  it('leaves a login environment alone', () => {
    expect(cleanEnvironment(LOGIN)).toEqual({ environment: LOGIN, removed: [] })
  })

  it.each<[string, Record<string, string>, string[]]>([
    ['npm', { npm_config_cache: '/c', npm_lifecycle_event: 'start', NPM_CONFIG_PREFIX: '/p', INIT_CWD: '/w', NODE_ENV: 'production', NODE_OPTIONS: '--inspect', NODE_COMPILE_CACHE: '/o' },
      ['INIT_CWD', 'NODE_COMPILE_CACHE', 'NODE_ENV', 'NODE_OPTIONS', 'NPM_CONFIG_PREFIX', 'npm_config_cache', 'npm_lifecycle_event']],
    ['Electron', { ELECTRON_RUN_AS_NODE: '1', CHROME_DESKTOP: 'overlap.desktop' }, ['CHROME_DESKTOP', 'ELECTRON_RUN_AS_NODE']],
    ['AppImage', { APPIMAGE: '/a', ARGV0: './a', OWD: '/w', APPDIR: '/tmp/.mount' }, ['APPDIR', 'APPIMAGE', 'ARGV0', 'OWD']],
    ['Overlap', { OVERLAP_TOKEN: 'secret', OVERLAP_LOG_LEVEL: 'debug' }, ['OVERLAP_LOG_LEVEL', 'OVERLAP_TOKEN']],
    ['the test runner', { VITEST: 'true', VITEST_POOL_ID: '1', TEST: 'true' }, ['TEST', 'VITEST', 'VITEST_POOL_ID']],
    ['MPS', { CUDA_MPS_PIPE_DIRECTORY: '/tmp/other', CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '10', CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=1G', CUDA_MPS_CLIENT_PRIORITY: '1', CUDA_MPS_PROTOCOL_VERSION: '3' },
      ['CUDA_MPS_ACTIVE_THREAD_PERCENTAGE', 'CUDA_MPS_CLIENT_PRIORITY', 'CUDA_MPS_PINNED_DEVICE_MEM_LIMIT', 'CUDA_MPS_PIPE_DIRECTORY', 'CUDA_MPS_PROTOCOL_VERSION']],
  ])('removes what %s put there, and says so', (_, added, removed) => {
    const clean = cleanEnvironment({ ...LOGIN, ...added })
    expect(clean.removed).toEqual(removed)
    expect(clean.environment).toEqual('TEST' in added ? { ...LOGIN, TEST: undefined } : LOGIN)
  })

  it.each<[string, Record<string, string>, Record<string, string | undefined>]>([
    ['npm entries of PATH', { PATH: '/w/node_modules/.bin:/x/npm/bin/node-gyp-bin:/usr/bin' }, { PATH: '/usr/bin' }],
    ['AppImage entries of PATH and LD_LIBRARY_PATH', { APPDIR: '/tmp/.mount/', PATH: '/tmp/.mount/usr/bin:/usr/bin', LD_LIBRARY_PATH: '/tmp/.mount/lib:/opt/cuda/lib64:' },
      { PATH: '/usr/bin', LD_LIBRARY_PATH: '/opt/cuda/lib64' }],
    ['an LD_LIBRARY_PATH that was the AppImage only', { APPDIR: '/tmp/.mount', LD_LIBRARY_PATH: '/tmp/.mount/lib' }, { LD_LIBRARY_PATH: undefined }],
    ['not a folder that only begins like it', { APPDIR: '/tmp/a', LD_LIBRARY_PATH: '/tmp/ab' }, { LD_LIBRARY_PATH: '/tmp/ab' }],
  ])('takes away %s', (_, inherited, expected) => {
    expect(cleanEnvironment(inherited).environment).toEqual(expected)
  })
})
