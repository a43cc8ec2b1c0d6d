package layout

import _ "salvor/test/seed"
