package probe

import _ "salvor/test/seed"
