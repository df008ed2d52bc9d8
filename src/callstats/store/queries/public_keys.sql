-- Which public keys does an app accept? Settings whose name begins so; a removed one is empty.
SELECT name, value
FROM settings FINAL
WHERE startsWith(name, {prefix:String}) AND value != ''
ORDER BY name
