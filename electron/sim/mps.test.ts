import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Rig } from './rig.testkit.ts'

let rig: Rig
afterEach(() => rig.close())
const slow = { timeout: 60_000 }

const lockOwner = () => {
  const inode = statSync(join(rig.pipe, 'control_lock')).ino
  return Number(/WRITE (\d+) \S+:(\d+) /.exec(readFileSync('/proc/locks', 'utf8').split('\n').find((line) => line.includes(`:${inode} `)) ?? '')?.[1] ?? 0)
}
const listening = () => readFileSync('/proc/net/unix', 'utf8').split('\n').some((line) => line.includes(' 00010000 ') && line.endsWith(join(rig.pipe, 'control')))
const controlLog = () => readFileSync(join(rig.logs, 'control.log'), 'utf8')

describe('the control tool', () => {
  it('says so when there is no daemon, and explains itself', slow, async () => {
    rig = await Rig.open()
    expect(await rig.control('get_server_list\n')).toEqual({ exitCode: 1, stdout: '', stderr: 'Cannot find MPS control daemon process\n' })
    expect((await rig.run([...rig.installed.tools.mpsControl, '-v'])).stdout).toBe(`${readFileSync(join(import.meta.dirname, 'fixtures', 'v.txt'), 'utf8')}`)
    expect((await rig.run([...rig.installed.tools.mpsControl, '-h'])).stdout).toContain('get_server_status <PID>')
    expect(await rig.run([...rig.installed.tools.mpsControl, '-S'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Unrecognized option -S') })
  })

  it('refuses a pipe directory that cannot be', slow, async () => {
    rig = await Rig.open()
    const start = (pipe: string) => rig.run([...rig.installed.tools.mpsControl, '-d'], '', { CUDA_MPS_PIPE_DIRECTORY: pipe })
    expect(await start(join(rig.folder, 'no', 'parent'))).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Cannot access CUDA_MPS_PIPE_DIRECTORY=') })
    expect(await start(join(rig.folder, 'x'.repeat(90)))).toEqual({ exitCode: 1, stdout: '', stderr: '' })
  })

  it('says yes and does nothing in that scene', slow, async () => {
    rig = await Rig.open('yes-and-nothing')
    expect(await rig.startDaemon()).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect(existsSync(rig.pipe)).toBe(false)
    expect(await rig.control('get_server_list\n')).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })
})

describe('the daemon', () => {
  beforeEach(async () => {
    rig = await Rig.open()
    expect(await rig.startDaemon()).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })

  it('holds its lock, listens, has NVIDIA\'s name, and is alone', slow, async () => {
    const pid = Number(readFileSync(join(rig.pipe, 'nvidia-cuda-mps-control.pid'), 'utf8'))
    expect(lockOwner()).toBe(pid)
    expect(listening()).toBe(true)
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('nvidia-cuda-mps\n')
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]?.trim()).toBe('nvidia-cuda-mps-control')
    expect(await rig.startDaemon()).toEqual({ exitCode: 1, stdout: '', stderr: 'An instance of this daemon is already running\n' })
    expect(lockOwner()).toBe(pid)
  })

  it('starts a server, and shows it on the GPU', slow, async () => {
    const { stdout } = await rig.control('start_server -uid 0\nget_server_list\nget_default_client_priority\n')
    const [pid = ''] = stdout.split('\n')
    expect(stdout).toBe(`${pid}\n0\n`)
    expect((await rig.control(`get_server_status ${pid}`)).stdout).toBe('ACTIVE\n') // asked too early, it waits
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]?.trim()).toBe('nvidia-cuda-mps-server')
    expect((await rig.smi('--query-compute-apps=pid,process_name,used_memory', '--format=csv,noheader')).stdout).toBe(`${pid}, nvidia-cuda-mps-server, 66 MiB\n`)
    expect(controlLog()).toMatch(new RegExp(String.raw`^\[[\d-]{10} [\d:.]{12} Control +\d+\] NEW SERVER ${pid}: Ready$`, 'm'))
    expect(readFileSync(join(rig.logs, 'server.log'), 'utf8')).toMatch(/Server +\d+\] Server has started$/m)
  })

  it('takes one argument as a command, and loses the words of an unquoted one', slow, async () => {
    const tool = rig.installed.tools.mpsControl
    expect((await rig.run([...tool, 'set_default_active_thread_percentage', '60'])).stdout).toBe('100.0\n')
    expect((await rig.run([...tool, 'set_default_active_thread_percentage 60'])).stdout).toBe('60.0\n')
  })

  it('speaks to one session at a time: the others mostly get nothing and exit code 0', slow, async () => {
    const open = rig.start(rig.installed.tools.mpsControl)
    await expect.poll(controlLog, { timeout: 20_000 }).toContain('NEW UI')
    const others = await Promise.all(Array.from({ length: 6 }, () => rig.control('get_default_client_priority\n')))
    expect(others.map(({ stdout }) => stdout)).toEqual(['', '', '', '', '', ''])
    expect(others.filter(({ exitCode }) => exitCode === 0)).toHaveLength(5)
    expect(others.find(({ exitCode }) => exitCode === 1)?.stderr).toBe('Cannot send command to MPS control daemon process\n')
    const closed = new Promise((resolve) => open.once('close', resolve))
    open.stdin?.end()
    await closed
    await expect.poll(async () => (await rig.control('get_default_client_priority\n')).stdout, { timeout: 20_000 }).toBe('0\n')
  })

  it('quits, and leaves the files that the real one leaves', slow, async () => {
    const pid = lockOwner()
    expect((await rig.control('start_server -uid 0\nquit\n')).exitCode).toBe(0)
    expect([lockOwner(), listening()]).toEqual([0, false])
    expect(existsSync(`/proc/${pid}`) && /^State:\s+[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))).toBe(false)
    expect(['control', 'control_privileged', 'control_lock', 'log', 'nvidia-cuda-mps-control.pid'].map((name) => existsSync(join(rig.pipe, name)))).toEqual([true, true, true, false, false])
    expect(await rig.control('get_server_list')).toMatchObject({ exitCode: 1 })
    expect((await rig.startDaemon()).exitCode).toBe(0)
  })

  it('killed, leaves stale files, frees its lock although a server lived, and can be started again', slow, async () => {
    const pid = lockOwner()
    await rig.control('start_server -uid 0\n')
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => [lockOwner(), listening()], { timeout: 20_000 }).toEqual([0, false])
    expect(existsSync(join(rig.pipe, 'nvidia-cuda-mps-control.pid'))).toBe(true)
    expect((await rig.startDaemon()).exitCode).toBe(0)
    expect((await rig.control('get_server_list\nget_default_client_priority\n')).stdout).toBe('0\n')
    await expect.poll(() => rig.tenants(), { timeout: 20_000 }).toEqual([])
  })
})

it('a foreign daemon serves its own folder, until the scene is closed', slow, async () => {
  rig = await Rig.open('foreign-daemon')
  const pipe = { CUDA_MPS_PIPE_DIRECTORY: join(rig.folder, 'foreign') }
  const ask = () => rig.run(rig.installed.tools.mpsControl, 'get_default_client_priority\n', pipe)
  expect((await ask()).stdout).toBe('0\n')
  await rig.installed.close()
  expect((await ask()).exitCode).toBe(1)
})
