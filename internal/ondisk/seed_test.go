package ondisk

import _ "salvor/test/seed"
