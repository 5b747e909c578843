// The Mantine theme: small type, thin lines, no motion that delays work.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'
import { ENGINE_COLOURS } from './palette.ts'

/** Colour of actions and focus; not among the engine colours. */
const signal: MantineColorsTuple = ['#eef0ff', '#dcdffb', '#b6bcf2', '#8f97ea', '#7079e3', '#5d66df', '#535ddd', '#444ec5', '#3b45b1', '#303b9c']
/** Instrument greys, cooler than Mantine's. */
const dark: MantineColorsTuple = ['#d5dbe3', '#b4bdc9', '#8b95a3', '#66707e', '#39424e', '#2a313b', '#1b2028', '#11151b', '#0c0f14', '#080a0d']

const MONO = 'ui-monospace, "SF Mono", "JetBrains Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace'
const SANS = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'

export const theme = createTheme({
  primaryColor: 'signal',
  primaryShade: { light: 6, dark: 5 },
  colors: { signal, dark },
  fontFamily: SANS,
  fontFamilyMonospace: MONO,
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '15px', xl: '18px' },
  lineHeights: { xs: '1.35', sm: '1.4', md: '1.45', lg: '1.45', xl: '1.4' },
  spacing: { xs: '6px', sm: '10px', md: '14px', lg: '18px', xl: '26px' },
  defaultRadius: 4,
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'compact-sm', variant: 'default' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 'md' } },
    Modal: { defaultProps: { lockScroll: false, transitionProps: { duration: 80 }, overlayProps: { backgroundOpacity: 0.45 }, radius: 6 } },
    Drawer: { defaultProps: { lockScroll: false, transitionProps: { duration: 100 }, overlayProps: { backgroundOpacity: 0.35 } } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, multiline: true, maw: 360, fz: 'sm', events: { hover: true, focus: true, touch: true } } },
    TextInput: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs' } },
    Checkbox: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    SegmentedControl: { defaultProps: { size: 'xs' } },
    Table: { defaultProps: { verticalSpacing: 5, horizontalSpacing: 10, fz: 'sm' } },
    Kbd: { defaultProps: { size: 'xs' } },
  },
})

const engines = (colours: readonly string[]) => Object.fromEntries(colours.map((colour, index) => [`--engine-${index}`, colour]))

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  dark: {
    ...engines(ENGINE_COLOURS.dark),
    '--mantine-color-body': '#0c0f14', '--mantine-color-text': '#d5dbe3', '--mantine-color-dimmed': '#95a0ae', '--mantine-color-placeholder': '#95a0ae',
    '--mantine-color-error': '#f0706f',
    '--surface': '#11151b', '--surface-2': '#161b22', '--surface-3': '#1f262f', '--line': '#232a33', '--line-strong': '#36404c',
    '--tone-good': '#3fbf9a', '--tone-busy': '#e3b341', '--tone-bad': '#f0706f', '--tone-idle': '#8b95a3', '--tone-other': '#a99bf5',
  },
  light: {
    ...engines(ENGINE_COLOURS.light),
    '--mantine-color-body': '#f4f5f7', '--mantine-color-text': '#1c2430', '--mantine-color-dimmed': '#566170', '--mantine-color-placeholder': '#566170',
    '--mantine-color-error': '#c0302f',
    '--surface': '#ffffff', '--surface-2': '#f6f7f9', '--surface-3': '#ffffff', '--line': '#dde1e6', '--line-strong': '#c2c9d1',
    '--tone-good': '#08785c', '--tone-busy': '#8f6400', '--tone-bad': '#c0302f', '--tone-idle': '#5b6673', '--tone-other': '#5b48c9',
  },
})

/** The nonce that the page was served with; without one, styles are only allowed where no policy forbids them. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
}
