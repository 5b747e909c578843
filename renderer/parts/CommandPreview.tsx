// CommandPreview: commands that would run or did run, exactly: argv, environment, directory, input; each can be copied.
import { ActionIcon, Button, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import type { CommandPreview as Command } from '../../shared/command.ts'
import { quoted, quotedArgv, shellLine, shellScript } from './quoting.ts'

export function CommandText({ command }: { command: Command }) {
  return (
    <pre>
      {command.cwd !== null && <><span className="dim">cd </span>{quoted(command.cwd)}{'\n'}</>}
      {Object.entries(command.env).map(([name, value]) => <span key={name} className="env">{name}={quoted(value)}{'\n'}</span>)}
      {quotedArgv(command.argv)}
      {command.stdin !== null && <span className="input">{'\n'}{command.stdin.trimEnd().split('\n').map((line) => `⟵ ${line}`).join('\n')}</span>}
    </pre>
  )
}

export function CopyCommand({ text, label }: { text: string; label: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon aria-label={label} onClick={copy} size="sm">{copied ? <IconCheck size={14} /> : <IconCopy size={14} />}</ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

export function CommandPreview({ commands }: { commands: readonly Command[] }) {
  if (commands.length === 0) return <div className="dim">No command is needed.</div>
  return (
    <div className="stackGap">
      {commands.map((command, at) => (
        <article className="command" key={at} aria-label={`Command ${at + 1}`}>
          <header><span className="dim cut why" style={{ display: 'block' }} title={command.why}>{command.why}</span><span className="spring" style={{ flex: 1 }} /><CopyCommand text={shellLine(command)} label="Copy as shell line" /></header>
          <CommandText command={command} />
        </article>
      ))}
      {commands.length > 1 && (
        <CopyButton value={shellScript(commands)}>
          {({ copied, copy }) => <Button onClick={copy} variant="subtle" leftSection={<IconCopy size={14} />} style={{ justifySelf: 'start' }}>{copied ? 'Copied' : 'Copy all'}</Button>}
        </CopyButton>
      )}
    </div>
  )
}
