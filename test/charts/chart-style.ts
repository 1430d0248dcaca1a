/** The one style block of every picture. Each rule begins with `.chart`, so that a page can embed several. */
import { NAME_SIZE, TEXT_SIZE } from './text-size.js';

type Palette = Readonly<Record<string, string>>;

/** Names are those of docs/charts/README.md. */
const LIGHT: Palette = {
  paper: '#fff',
  box: '#f4f6f9',
  border: '#7d8897',
  ink: '#1b222c',
  soft: '#4a5462',
  line: '#5b6675',
  active: '#0a6ad6',
  'active-box': '#dcebfd',
  taken: '#c2410c',
};

const DARK: Palette = {
  paper: '#10151c',
  box: '#1b222c',
  border: '#6c7888',
  ink: '#e8edf3',
  soft: '#b3bdc9',
  line: '#8d99a8',
  active: '#58a6ff',
  'active-box': '#12305a',
  taken: '#ffa657',
};

/** The variables that the rules use; a page sets the ones with `--chart-` in front. */
function variables(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${name}:var(--chart-${name},${colour})`)
    .join(';');
}

const RULES = `
.chart text{font:${TEXT_SIZE}px "Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif;fill:var(--soft);white-space:pre}
.chart .name{font-weight:700;font-size:${NAME_SIZE}px;fill:var(--ink)}
.chart .middle{text-anchor:middle}
.chart .to{fill:var(--ink)}
.chart .paper{fill:var(--paper)}
.chart .box{fill:var(--paper);stroke:var(--border);stroke-width:1.2}
.chart .atomic .box,.chart .final .box,.chart .history .box{fill:var(--box)}
.chart .region .box{stroke-dasharray:6 4}
.chart .rim{fill:none;stroke:var(--border)}
.chart .reference .box{fill:none;stroke-opacity:.55;stroke-dasharray:1 3;stroke-linecap:round}
.chart .line{fill:none;stroke:var(--line);stroke-width:1.2}
.chart .after .line{stroke-dasharray:1.5 3;stroke-width:1.6}
.chart .always .line{stroke-dasharray:7 4;stroke-width:1}
.chart .head,.chart .dot{fill:var(--line)}
.chart .shared{visibility:hidden}
.chart .taken .shared{visibility:visible}
.chart .always .label{font-style:italic}
.chart .active .box,.chart .active .rim{stroke:var(--active);stroke-width:2}
.chart .active.atomic .box,.chart .active.final .box{fill:var(--active-box)}
.chart .taken .line{stroke:var(--taken);stroke-width:2.4}
.chart .taken .head{fill:var(--taken)}
.chart .taken .label,.chart .taken .to{fill:var(--taken)}
.chart .taken .middle{font-weight:700}`;

export const CHART_STYLE = `
.chart{${variables(LIGHT)}}
@media(prefers-color-scheme:dark){.chart{${variables(DARK)}}}${RULES}
`;
