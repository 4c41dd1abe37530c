-- As the worker claims orders.
SELECT id FROM orders
WHERE legacy = 'no'
FOR UPDATE SKIP LOCKED;
