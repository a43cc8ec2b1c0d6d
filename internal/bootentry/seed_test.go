package bootentry

import _ "salvor/test/seed"
