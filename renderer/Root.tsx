// Root: what every page of ours stands in: theme, connection, the app.
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import '@mantine/core/styles.css'
import '@mantine/spotlight/styles.css'
import type { Connection } from './link/connect.ts'
import { Sheltered } from './parts/Sheltered.tsx'
import { App } from './screens/App.tsx'
import { ConnectionContext } from './state/connection.ts'
import './theme/app.css'
import './theme/stage.css'
import { cssVariables, styleNonce, theme } from './theme/mantine.ts'

const schemes = localStorageColorSchemeManager({ key: 'overlap-appearance' })

export function Root({ connection }: { connection: Connection }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} colorSchemeManager={schemes} defaultColorScheme="dark" getStyleNonce={styleNonce}>
      <ConnectionContext value={connection}><Sheltered what="The page"><App /></Sheltered></ConnectionContext>
    </MantineProvider>
  )
}
