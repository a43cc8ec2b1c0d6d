package plan

import _ "salvor/test/seed"
