CREATE TABLE access_log (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	access_id VARCHAR(32) NOT NULL, 
	operator_id VARCHAR(32), 
	account_id VARCHAR(40), 
	purpose VARCHAR(40) NOT NULL, 
	case_id VARCHAR(32), 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_access_log PRIMARY KEY (district, person_id, access_id)
)
--;
CREATE INDEX ix_access_log_person_id_at ON access_log (person_id, at)
--;
COMMENT ON COLUMN access_log.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN access_log.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN access_log.access_id IS '128 random bits, hex'
--;
COMMENT ON COLUMN access_log.operator_id IS 'who looked (staff)'
--;
COMMENT ON COLUMN access_log.account_id IS 'who looked (account)'
--;
COMMENT ON COLUMN access_log.purpose IS 'service code or page'
--;
COMMENT ON COLUMN access_log.case_id IS 'case it was for'
--;
COMMENT ON COLUMN access_log.at IS '时间'
--;
CREATE TABLE account (
	account_id VARCHAR(40) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	"window" VARCHAR(12) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	state VARCHAR(10) DEFAULT 'active' NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	unit_id BIGINT, 
	person_id BIGINT, 
	community VARCHAR(12), 
	parent_account_id VARCHAR(40), 
	rights VARCHAR(1000) DEFAULT '*' NOT NULL, 
	display_name VARCHAR(100) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	must_change BOOLEAN NOT NULL, 
	password_set_at BIGINT NOT NULL, 
	grants_valid_from BIGINT NOT NULL, 
	last_login_at BIGINT, 
	created_at BIGINT NOT NULL, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_account PRIMARY KEY (account_id), 
	CONSTRAINT ck_account_kind CHECK (kind IN ('unit', 'community', 'person')), 
	CONSTRAINT ck_account_state CHECK (state IN ('active', 'disabled'))
)
--;
CREATE INDEX ix_account_person_id ON account (person_id)
--;
CREATE INDEX ix_account_unit_id ON account (unit_id)
--;
CREATE UNIQUE INDEX ix_account_window_user_name ON account ("window", user_name)
--;
COMMENT ON COLUMN account.account_id IS '128 random bits, hex'
--;
COMMENT ON COLUMN account.user_name IS '登录名, lower case'
--;
COMMENT ON COLUMN account."window" IS 'window it may enter'
--;
COMMENT ON COLUMN account.kind IS 'whom it acts for'
--;
COMMENT ON COLUMN account.state IS '状态'
--;
COMMENT ON COLUMN account.district IS '行政区划代码'
--;
COMMENT ON COLUMN account.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN account.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN account.community IS '社区编号'
--;
COMMENT ON COLUMN account.parent_account_id IS 'account one level up (分层帐号)'
--;
COMMENT ON COLUMN account.rights IS 'service codes separated by blanks; * = all of its window'
--;
COMMENT ON COLUMN account.display_name IS 'name shown in the hall'
--;
COMMENT ON COLUMN account.password_hash IS 'argon2id of the peppered password'
--;
COMMENT ON COLUMN account.must_change IS 'password must be changed before anything else'
--;
COMMENT ON COLUMN account.password_set_at IS '时间'
--;
COMMENT ON COLUMN account.grants_valid_from IS 'grants issued before are ended (password change, logout everywhere)'
--;
COMMENT ON COLUMN account.last_login_at IS '上次登录'
--;
COMMENT ON COLUMN account.created_at IS '时间'
--;
COMMENT ON COLUMN account.version IS 'optimistic lock'
--;
CREATE TABLE agreement (
	district VARCHAR(6) NOT NULL, 
	agreement_id VARCHAR(32) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	account_id VARCHAR(40), 
	unit_id BIGINT, 
	person_id BIGINT, 
	operator_id VARCHAR(32) NOT NULL, 
	signed_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_agreement PRIMARY KEY (district, agreement_id)
)
--;
COMMENT ON COLUMN agreement.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN agreement.agreement_id IS '协议编号'
--;
COMMENT ON COLUMN agreement.kind IS 'service 开户协议, proxy 代办协议'
--;
COMMENT ON COLUMN agreement.account_id IS 'account it allows'
--;
COMMENT ON COLUMN agreement.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN agreement.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN agreement.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN agreement.signed_at IS '签订时间'
--;
COMMENT ON COLUMN agreement.expires_at IS '到期时间'
--;
COMMENT ON COLUMN agreement.ended_at IS '终止时间'
--;
CREATE TABLE answer_outbox (
	request_id BYTEA NOT NULL, 
	queued_at BIGINT NOT NULL, 
	CONSTRAINT pk_answer_outbox PRIMARY KEY (request_id)
)
--;
COMMENT ON COLUMN answer_outbox.request_id IS 'answer still to send: its bytes stand in applied'
--;
COMMENT ON COLUMN answer_outbox.queued_at IS '时间'
--;
CREATE TABLE applied (
	district VARCHAR(6) NOT NULL, 
	request_id BYTEA NOT NULL, 
	header_digest BYTEA NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	status BIGINT NOT NULL, 
	answer_header BYTEA NOT NULL, 
	answer_content BYTEA NOT NULL, 
	reply_to VARCHAR(40) NOT NULL, 
	lane VARCHAR(12) NOT NULL, 
	applied_at BIGINT NOT NULL, 
	CONSTRAINT pk_applied PRIMARY KEY (district, request_id)
)
--;
CREATE UNIQUE INDEX ix_applied_request_id ON applied (request_id)
--;
COMMENT ON COLUMN applied.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN applied.request_id IS '128-bit request id'
--;
COMMENT ON COLUMN applied.header_digest IS 'SHA-256 of the header bytes: same id, other digest = held'
--;
COMMENT ON COLUMN applied.service IS 'service code'
--;
COMMENT ON COLUMN applied.status IS 'AnswerStatus'
--;
COMMENT ON COLUMN applied.answer_header IS 'answer header, encoded'
--;
COMMENT ON COLUMN applied.answer_content IS 'answer, sealed to the session that asked'
--;
COMMENT ON COLUMN applied.reply_to IS 'worker'
--;
COMMENT ON COLUMN applied.lane IS 'lane'
--;
COMMENT ON COLUMN applied.applied_at IS '时间'
--;
CREATE TABLE appointment (
	district VARCHAR(6) NOT NULL, 
	appointment_id VARCHAR(32) NOT NULL, 
	department VARCHAR(20) NOT NULL, 
	day VARCHAR(8) NOT NULL, 
	starts VARCHAR(4) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	booked_at BIGINT NOT NULL, 
	CONSTRAINT pk_appointment PRIMARY KEY (district, appointment_id), 
	CONSTRAINT ck_appointment_state CHECK (state IN ('booked', 'cancelled', 'kept', 'missed'))
)
--;
CREATE INDEX ix_appointment_account_id ON appointment (account_id)
--;
COMMENT ON COLUMN appointment.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN appointment.appointment_id IS '预约编号'
--;
COMMENT ON COLUMN appointment.department IS '科室'
--;
COMMENT ON COLUMN appointment.day IS 'YYYYMMDD'
--;
COMMENT ON COLUMN appointment.starts IS 'HHMM'
--;
COMMENT ON COLUMN appointment.account_id IS 'account'
--;
COMMENT ON COLUMN appointment.state IS '状态'
--;
COMMENT ON COLUMN appointment.booked_at IS '时间'
--;
CREATE TABLE appointment_slot (
	district VARCHAR(6) NOT NULL, 
	department VARCHAR(20) NOT NULL, 
	day VARCHAR(8) NOT NULL, 
	starts VARCHAR(4) NOT NULL, 
	places BIGINT NOT NULL, 
	places_left BIGINT NOT NULL, 
	CONSTRAINT pk_appointment_slot PRIMARY KEY (district, department, day, starts), 
	CONSTRAINT ck_appointment_slot_no_overbooking CHECK (places_left >= 0 AND places_left <= places)
)
--;
COMMENT ON COLUMN appointment_slot.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN appointment_slot.department IS '科室'
--;
COMMENT ON COLUMN appointment_slot.day IS 'YYYYMMDD'
--;
COMMENT ON COLUMN appointment_slot.starts IS 'HHMM'
--;
COMMENT ON COLUMN appointment_slot.places IS '总数'
--;
COMMENT ON COLUMN appointment_slot.places_left IS '空余'
--;
CREATE TABLE audit_entry (
	chain VARCHAR(20) NOT NULL, 
	entry_no BIGINT NOT NULL, 
	previous BYTEA NOT NULL, 
	entry BYTEA NOT NULL, 
	entry_hash BYTEA NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_audit_entry PRIMARY KEY (chain, entry_no)
)
--;
COMMENT ON COLUMN audit_entry.chain IS 'which chain: accounts, staff, intake'
--;
COMMENT ON COLUMN audit_entry.entry_no IS '1 first, no gaps'
--;
COMMENT ON COLUMN audit_entry.previous IS 'hash of the entry before'
--;
COMMENT ON COLUMN audit_entry.entry IS 'canonical JSON of the event'
--;
COMMENT ON COLUMN audit_entry.entry_hash IS 'SHA-256(previous ‖ entry)'
--;
COMMENT ON COLUMN audit_entry.at IS '时间'
--;
CREATE TABLE card (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	card_number VARCHAR(20) NOT NULL, 
	state VARCHAR(2) DEFAULT '1' NOT NULL, 
	issued_at BIGINT, 
	CONSTRAINT pk_card PRIMARY KEY (district, person_id, card_number)
)
--;
COMMENT ON COLUMN card.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN card.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN card.card_number IS 'aaz500 社保卡号'
--;
COMMENT ON COLUMN card.state IS 'aaz502 卡状态, 1 正常 2 挂失 3 注销'
--;
COMMENT ON COLUMN card.issued_at IS '发卡时间'
--;
CREATE TABLE desk (
	district VARCHAR(6) NOT NULL, 
	desk_id VARCHAR(32) NOT NULL, 
	name VARCHAR(50) NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT pk_desk PRIMARY KEY (district, desk_id)
)
--;
COMMENT ON COLUMN desk.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN desk.desk_id IS '柜组编号'
--;
COMMENT ON COLUMN desk.name IS '柜组名称'
--;
COMMENT ON COLUMN desk.active IS 'takes part in draws'
--;
CREATE TABLE draw_key (
	day VARCHAR(8) NOT NULL, 
	commitment BYTEA NOT NULL, 
	secret BYTEA NOT NULL, 
	committed_at BIGINT NOT NULL, 
	revealed_at BIGINT, 
	CONSTRAINT pk_draw_key PRIMARY KEY (day)
)
--;
COMMENT ON COLUMN draw_key.day IS 'YYYYMMDD'
--;
COMMENT ON COLUMN draw_key.commitment IS 'SHA-256 of the day key, published in the morning'
--;
COMMENT ON COLUMN draw_key.secret IS 'day key, revealed the next day'
--;
COMMENT ON COLUMN draw_key.committed_at IS '时间'
--;
COMMENT ON COLUMN draw_key.revealed_at IS '时间'
--;
CREATE TABLE ended_grant (
	grant_id VARCHAR(64) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	ended_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_ended_grant PRIMARY KEY (grant_id)
)
--;
CREATE INDEX ix_ended_grant_expires_at ON ended_grant (expires_at)
--;
COMMENT ON COLUMN ended_grant.grant_id IS 'grant ended before its time (logout)'
--;
COMMENT ON COLUMN ended_grant.account_id IS 'account'
--;
COMMENT ON COLUMN ended_grant.ended_at IS '时间'
--;
COMMENT ON COLUMN ended_grant.expires_at IS 'row may be cleared after this instant'
--;
CREATE TABLE enrolment (
	unit_id BIGINT NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	since INTEGER NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	person_district VARCHAR(6) NOT NULL, 
	kind VARCHAR(10) DEFAULT 'employee' NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	until INTEGER, 
	wage_fen BIGINT DEFAULT '0' NOT NULL, 
	base_fen BIGINT DEFAULT '0' NOT NULL, 
	tier VARCHAR(4), 
	case_id VARCHAR(32), 
	version BIGINT DEFAULT '1' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_enrolment PRIMARY KEY (unit_id, person_id, insurance, since, entry), 
	CONSTRAINT ck_enrolment_state CHECK (state IN ('submitted', 'active', 'suspended', 'ended', 'withdrawn')), 
	CONSTRAINT ck_enrolment_kind CHECK (kind IN ('employee', 'flexible')), 
	CONSTRAINT ck_enrolment_since_month CHECK (since BETWEEN 199001 AND 219912 AND since - (since / 100) * 100 BETWEEN 1 AND 12), 
	CONSTRAINT ck_enrolment_amounts CHECK (base_fen >= 0 AND wage_fen >= 0)
)
--;
CREATE INDEX ix_enrolment_case ON enrolment (case_id) WHERE case_id IS NOT NULL
--;
CREATE INDEX ix_enrolment_person_id_insurance ON enrolment (person_id, insurance)
--;
CREATE INDEX ix_enrolment_unit_id_insurance_state ON enrolment (unit_id, insurance, state)
--;
CREATE UNIQUE INDEX uq_enrolment_live ON enrolment (unit_id, person_id, insurance) WHERE state IN ('active', 'submitted', 'suspended')
--;
COMMENT ON COLUMN enrolment.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN enrolment.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN enrolment.insurance IS 'aae140 险种'
--;
COMMENT ON COLUMN enrolment.since IS 'aac030 参保起始年月'
--;
COMMENT ON COLUMN enrolment.entry IS 'aaz159 同月第几条, 0 first'
--;
COMMENT ON COLUMN enrolment.person_district IS '行政区划代码 of the person'
--;
COMMENT ON COLUMN enrolment.kind IS '参保方式'
--;
COMMENT ON COLUMN enrolment.state IS 'aac031 参保状态'
--;
COMMENT ON COLUMN enrolment.until IS '终止年月, last month paid'
--;
COMMENT ON COLUMN enrolment.wage_fen IS 'aac040 申报工资'
--;
COMMENT ON COLUMN enrolment.base_fen IS 'aae180 缴费基数'
--;
COMMENT ON COLUMN enrolment.tier IS '缴费档次 (flexible only)'
--;
COMMENT ON COLUMN enrolment.case_id IS 'case that made this row; NULL = taken over from the old system'
--;
COMMENT ON COLUMN enrolment.version IS 'optimistic lock'
--;
COMMENT ON COLUMN enrolment.changed_at IS 'aae036 经办时间'
--;
CREATE TABLE feedback (
	district VARCHAR(6) NOT NULL, 
	feedback_id VARCHAR(32) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	case_id VARCHAR(32), 
	subject VARCHAR(100) NOT NULL, 
	body VARCHAR(2000) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	level BIGINT DEFAULT '1' NOT NULL, 
	due_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_feedback PRIMARY KEY (district, feedback_id), 
	CONSTRAINT ck_feedback_state CHECK (state IN ('open', 'answered', 'escalated', 'closed')), 
	CONSTRAINT ck_feedback_level CHECK (level BETWEEN 1 AND 3)
)
--;
COMMENT ON COLUMN feedback.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN feedback.feedback_id IS '反馈编号'
--;
COMMENT ON COLUMN feedback.account_id IS 'account that reported'
--;
COMMENT ON COLUMN feedback.case_id IS 'case it is about'
--;
COMMENT ON COLUMN feedback.subject IS '标题'
--;
COMMENT ON COLUMN feedback.body IS '内容'
--;
COMMENT ON COLUMN feedback.state IS '状态'
--;
COMMENT ON COLUMN feedback.level IS '1 district, 2 settlement centre, 3 information centre'
--;
COMMENT ON COLUMN feedback.due_at IS '答复期限'
--;
COMMENT ON COLUMN feedback.created_at IS '时间'
--;
CREATE TABLE held_request (
	held_id VARCHAR(32) NOT NULL, 
	request_id BYTEA, 
	header_digest BYTEA, 
	bundle VARCHAR(120) NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	state VARCHAR(10) DEFAULT 'held' NOT NULL, 
	released_by VARCHAR(32), 
	released_with VARCHAR(32), 
	held_at BIGINT NOT NULL, 
	CONSTRAINT pk_held_request PRIMARY KEY (held_id), 
	CONSTRAINT ck_held_request_state CHECK (state IN ('held', 'released', 'discarded'))
)
--;
CREATE INDEX ix_held_request_state_held_at ON held_request (state, held_at)
--;
COMMENT ON COLUMN held_request.held_id IS '128 random bits, hex'
--;
COMMENT ON COLUMN held_request.request_id IS 'request id, when it could be read'
--;
COMMENT ON COLUMN held_request.header_digest IS 'SHA-256 of the header bytes'
--;
COMMENT ON COLUMN held_request.bundle IS 'file name of the bundle'
--;
COMMENT ON COLUMN held_request.reason IS 'why: same_id_other_digest, poison, bad_seal, bad_syntax'
--;
COMMENT ON COLUMN held_request.state IS '状态'
--;
COMMENT ON COLUMN held_request.released_by IS 'first person'
--;
COMMENT ON COLUMN held_request.released_with IS 'second person'
--;
COMMENT ON COLUMN held_request.held_at IS '时间'
--;
CREATE TABLE lane_position (
	lane VARCHAR(40) NOT NULL, 
	epoch BIGINT NOT NULL, 
	sequence BIGINT NOT NULL, 
	last_digest BYTEA, 
	CONSTRAINT pk_lane_position PRIMARY KEY (lane)
)
--;
COMMENT ON COLUMN lane_position.lane IS 'lane and sender'
--;
COMMENT ON COLUMN lane_position.epoch IS 'epoch: milliseconds when this sender''s numbering began'
--;
COMMENT ON COLUMN lane_position.sequence IS 'last number used'
--;
COMMENT ON COLUMN lane_position.last_digest IS 'SHA-256 of the last bundle'
--;
CREATE TABLE late_fee (
	unit_id BIGINT NOT NULL, 
	fee_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	principal_fen BIGINT DEFAULT '0' NOT NULL, 
	days BIGINT NOT NULL, 
	fee_fen BIGINT DEFAULT '0' NOT NULL, 
	case_id VARCHAR(32), 
	computed_at BIGINT NOT NULL, 
	CONSTRAINT pk_late_fee PRIMARY KEY (unit_id, fee_id), 
	CONSTRAINT ck_late_fee_ceiling CHECK (fee_fen <= principal_fen)
)
--;
COMMENT ON COLUMN late_fee.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN late_fee.fee_id IS '滞纳金流水号'
--;
COMMENT ON COLUMN late_fee.period IS 'aae003 费款所属期'
--;
COMMENT ON COLUMN late_fee.insurance IS 'aae140 险种'
--;
COMMENT ON COLUMN late_fee.principal_fen IS '欠费本金'
--;
COMMENT ON COLUMN late_fee.days IS '滞纳天数'
--;
COMMENT ON COLUMN late_fee.fee_fen IS '滞纳金, never above the principal'
--;
COMMENT ON COLUMN late_fee.case_id IS '补缴 case'
--;
COMMENT ON COLUMN late_fee.computed_at IS '计算时间'
--;
CREATE TABLE login_guard (
	subject VARCHAR(80) NOT NULL, 
	failures BIGINT DEFAULT '0' NOT NULL, 
	last_failed_at BIGINT NOT NULL, 
	not_before BIGINT NOT NULL, 
	CONSTRAINT pk_login_guard PRIMARY KEY (subject)
)
--;
COMMENT ON COLUMN login_guard.subject IS 'account:<id>, name:<digest> or certificate:<sha256>'
--;
COMMENT ON COLUMN login_guard.failures IS 'failures in a row'
--;
COMMENT ON COLUMN login_guard.last_failed_at IS '时间'
--;
COMMENT ON COLUMN login_guard.not_before IS 'no attempt is verified before this instant'
--;
CREATE TABLE medical_use (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	use_no BIGINT NOT NULL, 
	institution VARCHAR(100) NOT NULL, 
	institution_district VARCHAR(6) NOT NULL, 
	total_fen BIGINT DEFAULT '0' NOT NULL, 
	account_fen BIGINT DEFAULT '0' NOT NULL, 
	fund_fen BIGINT DEFAULT '0' NOT NULL, 
	used_at BIGINT NOT NULL, 
	CONSTRAINT pk_medical_use PRIMARY KEY (district, person_id, use_no)
)
--;
COMMENT ON COLUMN medical_use.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN medical_use.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN medical_use.use_no IS '第几次, 1 first'
--;
COMMENT ON COLUMN medical_use.institution IS '就诊机构'
--;
COMMENT ON COLUMN medical_use.institution_district IS '机构所在区'
--;
COMMENT ON COLUMN medical_use.total_fen IS '总费用'
--;
COMMENT ON COLUMN medical_use.account_fen IS '个人帐户支付'
--;
COMMENT ON COLUMN medical_use.fund_fen IS '统筹支付'
--;
COMMENT ON COLUMN medical_use.used_at IS '就诊时间'
--;
CREATE TABLE notice (
	notice_id VARCHAR(32) NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	title VARCHAR(100) NOT NULL, 
	body VARCHAR(8000) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	published_at BIGINT, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_notice PRIMARY KEY (notice_id), 
	CONSTRAINT ck_notice_state CHECK (state IN ('draft', 'published', 'withdrawn'))
)
--;
COMMENT ON COLUMN notice.notice_id IS '公告编号'
--;
COMMENT ON COLUMN notice.district IS '行政区划代码; 000000 = all'
--;
COMMENT ON COLUMN notice.title IS '标题'
--;
COMMENT ON COLUMN notice.body IS '内容'
--;
COMMENT ON COLUMN notice.state IS '状态'
--;
COMMENT ON COLUMN notice.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN notice.published_at IS '时间'
--;
COMMENT ON COLUMN notice.changed_at IS '时间'
--;
CREATE TABLE number_series (
	name VARCHAR(32) NOT NULL, 
	next_number BIGINT NOT NULL, 
	CONSTRAINT pk_number_series PRIMARY KEY (name)
)
--;
COMMENT ON COLUMN number_series.name IS 'which numbers'
--;
COMMENT ON COLUMN number_series.next_number IS 'next free number'
--;
CREATE TABLE period_lock (
	district VARCHAR(6) NOT NULL, 
	period INTEGER NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	operator_id VARCHAR(32), 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_period_lock PRIMARY KEY (district, period), 
	CONSTRAINT ck_period_lock_state CHECK (state IN ('open', 'closed'))
)
--;
COMMENT ON COLUMN period_lock.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN period_lock.period IS '业务期'
--;
COMMENT ON COLUMN period_lock.state IS '月结状态'
--;
COMMENT ON COLUMN period_lock.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN period_lock.changed_at IS '时间'
--;
CREATE TABLE person (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	id_type VARCHAR(2) DEFAULT '01' NOT NULL, 
	id_number VARCHAR(20) NOT NULL, 
	name VARCHAR(50) NOT NULL, 
	sex VARCHAR(1) NOT NULL, 
	birth_day BIGINT NOT NULL, 
	phone VARCHAR(20), 
	address VARCHAR(200), 
	household VARCHAR(2) DEFAULT '10' NOT NULL, 
	participation VARCHAR(1) DEFAULT '1' NOT NULL, 
	first_enrolled INTEGER, 
	pooling_area VARCHAR(10), 
	alive BOOLEAN NOT NULL, 
	case_id VARCHAR(32), 
	version BIGINT DEFAULT '1' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_person PRIMARY KEY (district, person_id)
)
--;
CREATE UNIQUE INDEX ix_person_person_id ON person (person_id)
--;
COMMENT ON COLUMN person.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN person.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN person.id_type IS 'aac058 证件类型, 01 = 居民身份证'
--;
COMMENT ON COLUMN person.id_number IS 'aac002 证件号码'
--;
COMMENT ON COLUMN person.name IS 'aac003 姓名'
--;
COMMENT ON COLUMN person.sex IS 'aac004 性别, 1 male 2 female'
--;
COMMENT ON COLUMN person.birth_day IS 'aac006 出生日期 YYYYMMDD'
--;
COMMENT ON COLUMN person.phone IS 'aae005 联系电话'
--;
COMMENT ON COLUMN person.address IS 'aae006 地址'
--;
COMMENT ON COLUMN person.household IS 'aac009 户口性质, 10 城镇 20 农业'
--;
COMMENT ON COLUMN person.participation IS 'aac008 人员参保状态, 1 正常 2 暂停 4 终止'
--;
COMMENT ON COLUMN person.first_enrolled IS 'aac049 首次参保年月'
--;
COMMENT ON COLUMN person.pooling_area IS 'aaa027 统筹区'
--;
COMMENT ON COLUMN person.alive IS 'aac060 生存状态'
--;
COMMENT ON COLUMN person.case_id IS 'case that first registered this person, while it may still be undone'
--;
COMMENT ON COLUMN person.version IS 'optimistic lock'
--;
COMMENT ON COLUMN person.changed_at IS 'aae036 经办时间'
--;
CREATE TABLE person_identity (
	id_number VARCHAR(20) NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	CONSTRAINT pk_person_identity PRIMARY KEY (id_number)
)
--;
CREATE UNIQUE INDEX ix_person_identity_person_id ON person_identity (person_id)
--;
COMMENT ON COLUMN person_identity.id_number IS 'aac002 证件号码, globally unique: finds the district of a person'
--;
COMMENT ON COLUMN person_identity.district IS '行政区划代码'
--;
COMMENT ON COLUMN person_identity.person_id IS 'aac001 个人编号'
--;
CREATE TABLE person_merge (
	district VARCHAR(6) NOT NULL, 
	merge_id BIGINT NOT NULL, 
	from_person_id BIGINT NOT NULL, 
	into_person_id BIGINT NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	merged_at BIGINT NOT NULL, 
	CONSTRAINT pk_person_merge PRIMARY KEY (district, merge_id)
)
--;
COMMENT ON COLUMN person_merge.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN person_merge.merge_id IS '合并流水号'
--;
COMMENT ON COLUMN person_merge.from_person_id IS 'aac001 of the record given up'
--;
COMMENT ON COLUMN person_merge.into_person_id IS 'aac001 of the record kept'
--;
COMMENT ON COLUMN person_merge.reason IS 'aae013 备注'
--;
COMMENT ON COLUMN person_merge.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN person_merge.merged_at IS 'aae036 经办时间'
--;
CREATE TABLE personal_account_entry (
	district VARCHAR(6) NOT NULL, 
	person_id BIGINT NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	entry_no BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	amount_fen BIGINT DEFAULT '0' NOT NULL, 
	interest_fen BIGINT DEFAULT '0' NOT NULL, 
	source VARCHAR(20) NOT NULL, 
	booked_at BIGINT NOT NULL, 
	CONSTRAINT pk_personal_account_entry PRIMARY KEY (district, person_id, kind, entry_no), 
	CONSTRAINT ck_personal_account_entry_kind CHECK (kind IN ('pension', 'medical'))
)
--;
COMMENT ON COLUMN personal_account_entry.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN personal_account_entry.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN personal_account_entry.kind IS '养老/医疗个人帐户'
--;
COMMENT ON COLUMN personal_account_entry.entry_no IS '第几笔, 1 first'
--;
COMMENT ON COLUMN personal_account_entry.period IS 'aae003 所属期'
--;
COMMENT ON COLUMN personal_account_entry.amount_fen IS '记帐金额, negative = taken out'
--;
COMMENT ON COLUMN personal_account_entry.interest_fen IS '利息'
--;
COMMENT ON COLUMN personal_account_entry.source IS '来源: contribution, interest, use, correction'
--;
COMMENT ON COLUMN personal_account_entry.booked_at IS '记帐时间'
--;
CREATE TABLE posting (
	unit_id BIGINT NOT NULL, 
	receipt_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	amount_fen BIGINT DEFAULT '0' NOT NULL, 
	posted_at BIGINT NOT NULL, 
	CONSTRAINT pk_posting PRIMARY KEY (unit_id, receipt_id, period, person_id, insurance, kind, entry)
)
--;
COMMENT ON COLUMN posting.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN posting.receipt_id IS '收款流水号'
--;
COMMENT ON COLUMN posting.period IS 'aae003 费款所属期'
--;
COMMENT ON COLUMN posting.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN posting.insurance IS 'aae140 险种'
--;
COMMENT ON COLUMN posting.kind IS '应收类型'
--;
COMMENT ON COLUMN posting.entry IS '同类第几条'
--;
COMMENT ON COLUMN posting.amount_fen IS '登帐金额'
--;
COMMENT ON COLUMN posting.posted_at IS '登帐时间'
--;
CREATE TABLE receipt (
	unit_id BIGINT NOT NULL, 
	receipt_id BIGINT NOT NULL, 
	channel VARCHAR(12) NOT NULL, 
	bank_reference VARCHAR(40) NOT NULL, 
	amount_fen BIGINT DEFAULT '0' NOT NULL, 
	received_at BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	CONSTRAINT pk_receipt PRIMARY KEY (unit_id, receipt_id)
)
--;
CREATE UNIQUE INDEX ix_receipt_unit_id_channel_bank_reference ON receipt (unit_id, channel, bank_reference)
--;
COMMENT ON COLUMN receipt.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN receipt.receipt_id IS '收款流水号'
--;
COMMENT ON COLUMN receipt.channel IS '缴费渠道: tax, bank, kiosk'
--;
COMMENT ON COLUMN receipt.bank_reference IS '银行流水号'
--;
COMMENT ON COLUMN receipt.amount_fen IS '金额'
--;
COMMENT ON COLUMN receipt.received_at IS '到账时间'
--;
COMMENT ON COLUMN receipt.period IS 'aae002 入账期'
--;
CREATE TABLE receivable (
	unit_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	kind VARCHAR(10) DEFAULT 'normal' NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	booked_in INTEGER NOT NULL, 
	base_fen BIGINT DEFAULT '0' NOT NULL, 
	employer_fen BIGINT DEFAULT '0' NOT NULL, 
	employee_fen BIGINT DEFAULT '0' NOT NULL, 
	state VARCHAR(12) DEFAULT 'open' NOT NULL, 
	case_id VARCHAR(32), 
	CONSTRAINT pk_receivable PRIMARY KEY (unit_id, period, person_id, insurance, kind, entry), 
	CONSTRAINT ck_receivable_state CHECK (state IN ('open', 'paid', 'written_off')), 
	CONSTRAINT ck_receivable_kind CHECK (kind IN ('normal', 'supplement', 'gap')), 
	CONSTRAINT ck_receivable_period_month CHECK (period BETWEEN 199001 AND 219912 AND period - (period / 100) * 100 BETWEEN 1 AND 12), 
	CONSTRAINT ck_receivable_amounts CHECK (base_fen >= 0 AND employer_fen >= 0 AND employee_fen >= 0)
)
--;
CREATE INDEX ix_receivable_person_id_period ON receivable (person_id, period)
--;
COMMENT ON COLUMN receivable.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN receivable.period IS 'aae003 费款所属期'
--;
COMMENT ON COLUMN receivable.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN receivable.insurance IS 'aae140 险种'
--;
COMMENT ON COLUMN receivable.kind IS '应收类型'
--;
COMMENT ON COLUMN receivable.entry IS '同类第几条, 0 first'
--;
COMMENT ON COLUMN receivable.booked_in IS 'aae002 费款入账期'
--;
COMMENT ON COLUMN receivable.base_fen IS 'aae180 缴费基数'
--;
COMMENT ON COLUMN receivable.employer_fen IS '单位应缴'
--;
COMMENT ON COLUMN receivable.employee_fen IS '个人应缴'
--;
COMMENT ON COLUMN receivable.state IS 'aae078 到账标志'
--;
COMMENT ON COLUMN receivable.case_id IS 'case that assessed it, for supplements and gaps'
--;
CREATE TABLE reference_base (
	pooling_area VARCHAR(10) NOT NULL, 
	first_month INTEGER NOT NULL, 
	last_month INTEGER, 
	average_wage_fen BIGINT DEFAULT '0' NOT NULL, 
	floor_fen BIGINT DEFAULT '0' NOT NULL, 
	ceiling_fen BIGINT DEFAULT '0' NOT NULL, 
	verified BOOLEAN NOT NULL, 
	illustrative BOOLEAN NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	loaded_by VARCHAR(32) NOT NULL, 
	loaded_at BIGINT NOT NULL, 
	CONSTRAINT pk_reference_base PRIMARY KEY (pooling_area, first_month), 
	CONSTRAINT ck_reference_base_limits CHECK (floor_fen <= ceiling_fen)
)
--;
COMMENT ON COLUMN reference_base.pooling_area IS 'aaa027 统筹区'
--;
COMMENT ON COLUMN reference_base.first_month IS 'from this month'
--;
COMMENT ON COLUMN reference_base.last_month IS 'to this month, NULL = still'
--;
COMMENT ON COLUMN reference_base.average_wage_fen IS '社平工资, monthly'
--;
COMMENT ON COLUMN reference_base.floor_fen IS '缴费基数下限'
--;
COMMENT ON COLUMN reference_base.ceiling_fen IS '缴费基数上限'
--;
COMMENT ON COLUMN reference_base.verified IS 'checked against the official notice'
--;
COMMENT ON COLUMN reference_base.illustrative IS 'a made-up example, must not be used for real assessments'
--;
COMMENT ON COLUMN reference_base.source IS 'where the figure was read'
--;
COMMENT ON COLUMN reference_base.loaded_by IS 'aae011 经办人'
--;
COMMENT ON COLUMN reference_base.loaded_at IS '时间'
--;
CREATE TABLE reference_code (
	list_name VARCHAR(20) NOT NULL, 
	code VARCHAR(12) NOT NULL, 
	first_month INTEGER NOT NULL, 
	last_month INTEGER, 
	label_zh VARCHAR(100) NOT NULL, 
	label_en VARCHAR(100) NOT NULL, 
	verified BOOLEAN NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_reference_code PRIMARY KEY (list_name, code, first_month)
)
--;
COMMENT ON COLUMN reference_code.list_name IS 'which code list: insurance, household, nation …'
--;
COMMENT ON COLUMN reference_code.code IS 'code'
--;
COMMENT ON COLUMN reference_code.first_month IS 'from this month'
--;
COMMENT ON COLUMN reference_code.last_month IS 'to this month, NULL = still'
--;
COMMENT ON COLUMN reference_code.label_zh IS '中文'
--;
COMMENT ON COLUMN reference_code.label_en IS 'English'
--;
COMMENT ON COLUMN reference_code.verified IS 'checked'
--;
COMMENT ON COLUMN reference_code.source IS 'where it was read'
--;
CREATE TABLE reference_rate (
	insurance VARCHAR(3) NOT NULL, 
	scheme VARCHAR(12) NOT NULL, 
	first_month INTEGER NOT NULL, 
	last_month INTEGER, 
	employer_basis_points BIGINT NOT NULL, 
	employee_basis_points BIGINT NOT NULL, 
	employee_fixed_fen BIGINT DEFAULT '0' NOT NULL, 
	verified BOOLEAN NOT NULL, 
	source VARCHAR(200) NOT NULL, 
	loaded_by VARCHAR(32) NOT NULL, 
	loaded_at BIGINT NOT NULL, 
	CONSTRAINT pk_reference_rate PRIMARY KEY (insurance, scheme, first_month)
)
--;
COMMENT ON COLUMN reference_rate.insurance IS 'aae140 险种'
--;
COMMENT ON COLUMN reference_rate.scheme IS 'standard, flexible, or injury class 1..8'
--;
COMMENT ON COLUMN reference_rate.first_month IS 'from this month'
--;
COMMENT ON COLUMN reference_rate.last_month IS 'to this month, NULL = still'
--;
COMMENT ON COLUMN reference_rate.employer_basis_points IS '单位费率'
--;
COMMENT ON COLUMN reference_rate.employee_basis_points IS '个人费率'
--;
COMMENT ON COLUMN reference_rate.employee_fixed_fen IS '个人定额 (大额医疗 7.00)'
--;
COMMENT ON COLUMN reference_rate.verified IS 'checked against the official notice'
--;
COMMENT ON COLUMN reference_rate.source IS 'where the figure was read'
--;
COMMENT ON COLUMN reference_rate.loaded_by IS 'aae011 经办人'
--;
COMMENT ON COLUMN reference_rate.loaded_at IS '时间'
--;
CREATE TABLE review_flow (
	service VARCHAR(40) NOT NULL, 
	version BIGINT NOT NULL, 
	roles VARCHAR(60) NOT NULL, 
	audit_per_mille BIGINT DEFAULT '50' NOT NULL, 
	due_hours BIGINT DEFAULT '8' NOT NULL, 
	valid_from BIGINT NOT NULL, 
	CONSTRAINT pk_review_flow PRIMARY KEY (service, version)
)
--;
COMMENT ON COLUMN review_flow.service IS 'service code'
--;
COMMENT ON COLUMN review_flow.version IS '版本'
--;
COMMENT ON COLUMN review_flow.roles IS '环节 in order, separated by blanks'
--;
COMMENT ON COLUMN review_flow.audit_per_mille IS 'post-audit sample, per thousand'
--;
COMMENT ON COLUMN review_flow.due_hours IS '办理期限, working hours per step'
--;
COMMENT ON COLUMN review_flow.valid_from IS '时间'
--;
CREATE TABLE service_case (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	reference VARCHAR(40) NOT NULL, 
	service VARCHAR(40) NOT NULL, 
	service_version BIGINT DEFAULT '1' NOT NULL, 
	"window" VARCHAR(12) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	unit_id BIGINT, 
	person_id BIGINT, 
	state VARCHAR(12) NOT NULL, 
	approval VARCHAR(10) NOT NULL, 
	period INTEGER NOT NULL, 
	parts_expected BIGINT DEFAULT '1' NOT NULL, 
	parts_received BIGINT DEFAULT '1' NOT NULL, 
	rows_total BIGINT DEFAULT '1' NOT NULL, 
	rows_failed BIGINT DEFAULT '0' NOT NULL, 
	reason VARCHAR(400), 
	submitted_at BIGINT NOT NULL, 
	opened_at BIGINT, 
	decided_at BIGINT, 
	effective_at BIGINT, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_service_case PRIMARY KEY (district, case_id), 
	CONSTRAINT ck_service_case_state CHECK (state IN ('saved', 'submitted', 'reviewing', 'rechecking', 'effective', 'auditing', 'audited', 'disputed', 'withdrawn', 'refused')), 
	CONSTRAINT ck_service_case_approval CHECK (approval IN ('by_rule', 'by_review'))
)
--;
CREATE INDEX ix_service_case_account_id_submitted_at ON service_case (account_id, submitted_at)
--;
CREATE INDEX ix_service_case_district_state_submitted_at ON service_case (district, state, submitted_at)
--;
CREATE INDEX ix_service_case_person ON service_case (person_id, submitted_at) WHERE person_id IS NOT NULL
--;
CREATE UNIQUE INDEX ix_service_case_reference ON service_case (reference)
--;
CREATE INDEX ix_service_case_unit_id_submitted_at ON service_case (unit_id, submitted_at)
--;
COMMENT ON COLUMN service_case.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN service_case.case_id IS 'request id (batch id), lower-case hex'
--;
COMMENT ON COLUMN service_case.reference IS '业务流水号 shown to people'
--;
COMMENT ON COLUMN service_case.service IS 'service code of the catalogue'
--;
COMMENT ON COLUMN service_case.service_version IS 'version of its declaration'
--;
COMMENT ON COLUMN service_case."window" IS 'window it came through'
--;
COMMENT ON COLUMN service_case.account_id IS 'account that submitted it'
--;
COMMENT ON COLUMN service_case.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN service_case.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN service_case.state IS '业务状态'
--;
COMMENT ON COLUMN service_case.approval IS 'how it becomes effective'
--;
COMMENT ON COLUMN service_case.period IS 'aae002 业务期, next one when the month is closed'
--;
COMMENT ON COLUMN service_case.parts_expected IS '块数 of a batch, 1 otherwise'
--;
COMMENT ON COLUMN service_case.parts_received IS '块数 received so far'
--;
COMMENT ON COLUMN service_case.rows_total IS '行数 of a batch, 1 otherwise'
--;
COMMENT ON COLUMN service_case.rows_failed IS '失败行数'
--;
COMMENT ON COLUMN service_case.reason IS '退单/不通过 reason shown to the applicant'
--;
COMMENT ON COLUMN service_case.submitted_at IS '提交时间'
--;
COMMENT ON COLUMN service_case.opened_at IS 'first opened by a reviewer; NULL = may still be withdrawn'
--;
COMMENT ON COLUMN service_case.decided_at IS 'last decision'
--;
COMMENT ON COLUMN service_case.effective_at IS '生效时间'
--;
COMMENT ON COLUMN service_case.version IS 'optimistic lock'
--;
CREATE TABLE staff_operator (
	operator_id VARCHAR(32) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	display_name VARCHAR(100) NOT NULL, 
	level VARCHAR(16) NOT NULL, 
	parent_operator_id VARCHAR(32), 
	district VARCHAR(6) NOT NULL, 
	department VARCHAR(20), 
	roles VARCHAR(100) DEFAULT '' NOT NULL, 
	phone VARCHAR(20), 
	state VARCHAR(10) DEFAULT 'active' NOT NULL, 
	password_hash VARCHAR(200), 
	certificate_sha256 VARCHAR(64), 
	on_duty BOOLEAN NOT NULL, 
	must_change BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_staff_operator PRIMARY KEY (operator_id), 
	CONSTRAINT ck_staff_operator_level CHECK (level IN ('root', 'district_admin', 'operator')), 
	CONSTRAINT ck_staff_operator_state CHECK (state IN ('active', 'disabled'))
)
--;
CREATE INDEX ix_staff_operator_district_state ON staff_operator (district, state)
--;
CREATE UNIQUE INDEX ix_staff_operator_user_name ON staff_operator (user_name)
--;
COMMENT ON COLUMN staff_operator.operator_id IS 'aae011 经办人编号'
--;
COMMENT ON COLUMN staff_operator.user_name IS '登录名, lower case'
--;
COMMENT ON COLUMN staff_operator.display_name IS '姓名'
--;
COMMENT ON COLUMN staff_operator.level IS '层级'
--;
COMMENT ON COLUMN staff_operator.parent_operator_id IS 'operator one level up'
--;
COMMENT ON COLUMN staff_operator.district IS '行政区划代码; 000000 = the city'
--;
COMMENT ON COLUMN staff_operator.department IS '科室: registration 登记科, general 综合科, community 社服科'
--;
COMMENT ON COLUMN staff_operator.roles IS '环节 allowed, separated by blanks'
--;
COMMENT ON COLUMN staff_operator.phone IS '联系电话 shown to applicants'
--;
COMMENT ON COLUMN staff_operator.state IS '状态'
--;
COMMENT ON COLUMN staff_operator.password_hash IS 'argon2id of the peppered password'
--;
COMMENT ON COLUMN staff_operator.certificate_sha256 IS 'operator card certificate'
--;
COMMENT ON COLUMN staff_operator.on_duty IS 'takes part in draws'
--;
COMMENT ON COLUMN staff_operator.must_change IS 'password must be changed'
--;
COMMENT ON COLUMN staff_operator.created_at IS '时间'
--;
COMMENT ON COLUMN staff_operator.version IS 'optimistic lock'
--;
CREATE TABLE tax_ledger (
	unit_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	due_fen BIGINT DEFAULT '0' NOT NULL, 
	paid_fen BIGINT DEFAULT '0' NOT NULL, 
	tax_reference VARCHAR(40), 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_tax_ledger PRIMARY KEY (unit_id, period, insurance)
)
--;
COMMENT ON COLUMN tax_ledger.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN tax_ledger.period IS 'aae003 费款所属期'
--;
COMMENT ON COLUMN tax_ledger.insurance IS 'aae140 险种'
--;
COMMENT ON COLUMN tax_ledger.due_fen IS '税务应征'
--;
COMMENT ON COLUMN tax_ledger.paid_fen IS '税务实征'
--;
COMMENT ON COLUMN tax_ledger.tax_reference IS '税票号'
--;
COMMENT ON COLUMN tax_ledger.changed_at IS '时间'
--;
CREATE TABLE unit (
	unit_id BIGINT NOT NULL, 
	credit_code VARCHAR(18) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	district VARCHAR(6) NOT NULL, 
	agency VARCHAR(12) NOT NULL, 
	industry VARCHAR(4), 
	injury_class BIGINT DEFAULT '1' NOT NULL, 
	vip BOOLEAN NOT NULL, 
	credit_level BIGINT DEFAULT '0' NOT NULL, 
	state VARCHAR(10) DEFAULT 'active' NOT NULL, 
	contact VARCHAR(50), 
	phone VARCHAR(20), 
	address VARCHAR(200), 
	pooling_area VARCHAR(10), 
	version BIGINT DEFAULT '1' NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_unit PRIMARY KEY (unit_id), 
	CONSTRAINT ck_unit_state CHECK (state IN ('active', 'suspended', 'closed')), 
	CONSTRAINT ck_unit_injury_class CHECK (injury_class BETWEEN 1 AND 8)
)
--;
CREATE UNIQUE INDEX ix_unit_credit_code ON unit (credit_code)
--;
CREATE INDEX ix_unit_district ON unit (district)
--;
COMMENT ON COLUMN unit.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN unit.credit_code IS 'aab003 统一社会信用代码'
--;
COMMENT ON COLUMN unit.name IS 'aab004 单位名称'
--;
COMMENT ON COLUMN unit.district IS '行政区划代码'
--;
COMMENT ON COLUMN unit.agency IS 'aab034 社保经办机构'
--;
COMMENT ON COLUMN unit.industry IS 'aab022 行业代码'
--;
COMMENT ON COLUMN unit.injury_class IS '工伤风险类别 1..8'
--;
COMMENT ON COLUMN unit.vip IS 'VIP 单位: approved by rule, sampled afterwards'
--;
COMMENT ON COLUMN unit.credit_level IS '信用等级 0..100'
--;
COMMENT ON COLUMN unit.state IS 'aab051 单位参保状态'
--;
COMMENT ON COLUMN unit.contact IS 'aab013 联系人'
--;
COMMENT ON COLUMN unit.phone IS 'aae005 联系电话'
--;
COMMENT ON COLUMN unit.address IS 'aae006 地址'
--;
COMMENT ON COLUMN unit.pooling_area IS 'aaa027 统筹区'
--;
COMMENT ON COLUMN unit.version IS 'optimistic lock'
--;
COMMENT ON COLUMN unit.changed_at IS 'aae036 经办时间'
--;
CREATE TABLE wage_declaration (
	unit_id BIGINT NOT NULL, 
	year BIGINT NOT NULL, 
	person_id BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	wage_fen BIGINT DEFAULT '0' NOT NULL, 
	base_fen BIGINT DEFAULT '0' NOT NULL, 
	prior_wage_fen BIGINT, 
	prior_base_fen BIGINT, 
	state VARCHAR(10) NOT NULL, 
	case_id VARCHAR(32), 
	row_no BIGINT DEFAULT '1' NOT NULL, 
	declared_at BIGINT NOT NULL, 
	CONSTRAINT pk_wage_declaration PRIMARY KEY (unit_id, year, person_id, revision), 
	CONSTRAINT ck_wage_declaration_state CHECK (state IN ('submitted', 'effective', 'superseded', 'withdrawn')), 
	CONSTRAINT ck_wage_declaration_amounts CHECK (wage_fen >= 0 AND base_fen >= 0)
)
--;
CREATE INDEX ix_wage_declaration_case ON wage_declaration (case_id, state) WHERE case_id IS NOT NULL
--;
CREATE UNIQUE INDEX uq_wage_declaration_live ON wage_declaration (unit_id, year, person_id, state) WHERE state IN ('effective', 'submitted')
--;
COMMENT ON COLUMN wage_declaration.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN wage_declaration.year IS '缴费年度, the payment year this wage sets the base of'
--;
COMMENT ON COLUMN wage_declaration.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN wage_declaration.revision IS '第几次申报, 1 first'
--;
COMMENT ON COLUMN wage_declaration.wage_fen IS 'aac040 月平均工资'
--;
COMMENT ON COLUMN wage_declaration.base_fen IS 'aae180 缴费基数, after clamping between floor and ceiling'
--;
COMMENT ON COLUMN wage_declaration.prior_wage_fen IS 'aae123 变更前工资, for taking it back'
--;
COMMENT ON COLUMN wage_declaration.prior_base_fen IS 'aae123 变更前基数, for taking it back'
--;
COMMENT ON COLUMN wage_declaration.state IS '状态'
--;
COMMENT ON COLUMN wage_declaration.case_id IS 'case that declared it; NULL = taken over'
--;
COMMENT ON COLUMN wage_declaration.row_no IS '行号 in its sheet, 1 first'
--;
COMMENT ON COLUMN wage_declaration.declared_at IS 'aae036 经办时间'
--;
CREATE TABLE writeoff (
	unit_id BIGINT NOT NULL, 
	period INTEGER NOT NULL, 
	person_id BIGINT NOT NULL, 
	insurance VARCHAR(3) NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	entry BIGINT DEFAULT '0' NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	written_off_at BIGINT NOT NULL, 
	CONSTRAINT pk_writeoff PRIMARY KEY (unit_id, period, person_id, insurance, kind, entry)
)
--;
COMMENT ON COLUMN writeoff.unit_id IS 'aab001 单位编号'
--;
COMMENT ON COLUMN writeoff.period IS 'aae003 费款所属期'
--;
COMMENT ON COLUMN writeoff.person_id IS 'aac001 个人编号'
--;
COMMENT ON COLUMN writeoff.insurance IS 'aae140 险种'
--;
COMMENT ON COLUMN writeoff.kind IS '应收类型'
--;
COMMENT ON COLUMN writeoff.entry IS '同类第几条'
--;
COMMENT ON COLUMN writeoff.reason IS '注销原因'
--;
COMMENT ON COLUMN writeoff.case_id IS '注销 case'
--;
COMMENT ON COLUMN writeoff.written_off_at IS '注销时间'
--;
CREATE TABLE account_certificate (
	certificate_sha256 VARCHAR(64) NOT NULL, 
	account_id VARCHAR(40) NOT NULL, 
	issuer VARCHAR(200) NOT NULL, 
	serial VARCHAR(48) NOT NULL, 
	key_sha256 VARCHAR(64), 
	state VARCHAR(10) DEFAULT 'bound' NOT NULL, 
	not_after BIGINT NOT NULL, 
	bound_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	CONSTRAINT pk_account_certificate PRIMARY KEY (certificate_sha256), 
	CONSTRAINT ck_account_certificate_state CHECK (state IN ('bound', 'revoked')), 
	CONSTRAINT fk_account_certificate_account_id FOREIGN KEY(account_id) REFERENCES account (account_id)
)
--;
CREATE INDEX ix_account_certificate_account_id ON account_certificate (account_id)
--;
CREATE UNIQUE INDEX ix_account_certificate_issuer_serial ON account_certificate (issuer, serial)
--;
CREATE UNIQUE INDEX ix_account_certificate_key_sha256 ON account_certificate (key_sha256)
--;
COMMENT ON COLUMN account_certificate.certificate_sha256 IS 'SHA-256 of the certificate''s DER, hex'
--;
COMMENT ON COLUMN account_certificate.account_id IS 'account'
--;
COMMENT ON COLUMN account_certificate.issuer IS 'issuer, RFC 4514'
--;
COMMENT ON COLUMN account_certificate.serial IS 'serial number, hex'
--;
COMMENT ON COLUMN account_certificate.key_sha256 IS 'SHA-256 of its SubjectPublicKeyInfo, hex; NULL when only the desk saw the key'
--;
COMMENT ON COLUMN account_certificate.state IS '状态'
--;
COMMENT ON COLUMN account_certificate.not_after IS 'valid until'
--;
COMMENT ON COLUMN account_certificate.bound_at IS '时间'
--;
COMMENT ON COLUMN account_certificate.revoked_at IS '时间'
--;
CREATE TABLE case_part (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	part BIGINT NOT NULL, 
	request_id VARCHAR(32) NOT NULL, 
	body BYTEA NOT NULL, 
	body_digest BYTEA NOT NULL, 
	rows_total BIGINT DEFAULT '1' NOT NULL, 
	rows_failed BIGINT DEFAULT '0' NOT NULL, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_case_part PRIMARY KEY (district, case_id, part), 
	CONSTRAINT fk_case_part_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
COMMENT ON COLUMN case_part.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN case_part.case_id IS 'case'
--;
COMMENT ON COLUMN case_part.part IS '第几块 of a batch, 1 first; 1 for a single request'
--;
COMMENT ON COLUMN case_part.request_id IS 'request id, lower-case hex'
--;
COMMENT ON COLUMN case_part.body IS 'canonical JSON of the request: what the reviewer sees, what post-audit compares'
--;
COMMENT ON COLUMN case_part.body_digest IS 'SHA-256 of the salted content, as the request''s header named it'
--;
COMMENT ON COLUMN case_part.rows_total IS '行数'
--;
COMMENT ON COLUMN case_part.rows_failed IS '失败行数'
--;
COMMENT ON COLUMN case_part.received_at IS '时间'
--;
CREATE TABLE case_row_failure (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	row_no BIGINT NOT NULL, 
	code VARCHAR(32) NOT NULL, 
	field VARCHAR(40), 
	CONSTRAINT pk_case_row_failure PRIMARY KEY (district, case_id, row_no), 
	CONSTRAINT fk_case_row_failure_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
COMMENT ON COLUMN case_row_failure.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN case_row_failure.case_id IS 'case'
--;
COMMENT ON COLUMN case_row_failure.row_no IS '行号, 1 first'
--;
COMMENT ON COLUMN case_row_failure.code IS 'fault code of wire_formats.field_faults'
--;
COMMENT ON COLUMN case_row_failure.field IS 'field at fault'
--;
CREATE TABLE case_step (
	district VARCHAR(6) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	step_no BIGINT NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	actor VARCHAR(12) NOT NULL, 
	operator_id VARCHAR(32), 
	note VARCHAR(400), 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_case_step PRIMARY KEY (district, case_id, step_no), 
	CONSTRAINT ck_case_step_state CHECK (state IN ('saved', 'submitted', 'reviewing', 'rechecking', 'effective', 'auditing', 'audited', 'disputed', 'withdrawn', 'refused')), 
	CONSTRAINT fk_case_step_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
COMMENT ON COLUMN case_step.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN case_step.case_id IS 'case'
--;
COMMENT ON COLUMN case_step.step_no IS '第几步, 1 first'
--;
COMMENT ON COLUMN case_step.state IS 'state reached'
--;
COMMENT ON COLUMN case_step.actor IS 'applicant, rule, operator, system'
--;
COMMENT ON COLUMN case_step.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN case_step.note IS 'aae013 备注'
--;
COMMENT ON COLUMN case_step.at IS 'aae036 经办时间'
--;
CREATE TABLE desk_member (
	district VARCHAR(6) NOT NULL, 
	desk_id VARCHAR(32) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	role VARCHAR(12) NOT NULL, 
	CONSTRAINT pk_desk_member PRIMARY KEY (district, desk_id, operator_id), 
	CONSTRAINT fk_desk_member_district_desk_id FOREIGN KEY(district, desk_id) REFERENCES desk (district, desk_id), 
	CONSTRAINT fk_desk_member_operator_id FOREIGN KEY(operator_id) REFERENCES staff_operator (operator_id)
)
--;
COMMENT ON COLUMN desk_member.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN desk_member.desk_id IS '柜组编号'
--;
COMMENT ON COLUMN desk_member.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN desk_member.role IS '环节 this member does'
--;
CREATE TABLE feedback_step (
	district VARCHAR(6) NOT NULL, 
	feedback_id VARCHAR(32) NOT NULL, 
	step_no BIGINT NOT NULL, 
	level BIGINT NOT NULL, 
	operator_id VARCHAR(32), 
	note VARCHAR(2000) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_feedback_step PRIMARY KEY (district, feedback_id, step_no), 
	CONSTRAINT ck_feedback_step_state CHECK (state IN ('open', 'answered', 'escalated', 'closed')), 
	CONSTRAINT fk_feedback_step_district_feedback_id FOREIGN KEY(district, feedback_id) REFERENCES feedback (district, feedback_id)
)
--;
COMMENT ON COLUMN feedback_step.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN feedback_step.feedback_id IS '反馈编号'
--;
COMMENT ON COLUMN feedback_step.step_no IS '第几步, 1 first'
--;
COMMENT ON COLUMN feedback_step.level IS 'level that acted'
--;
COMMENT ON COLUMN feedback_step.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN feedback_step.note IS '答复'
--;
COMMENT ON COLUMN feedback_step.state IS 'state reached'
--;
COMMENT ON COLUMN feedback_step.at IS '时间'
--;
CREATE TABLE task (
	district VARCHAR(6) NOT NULL, 
	task_id VARCHAR(32) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	role VARCHAR(12) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	desk_id VARCHAR(32), 
	operator_id VARCHAR(32), 
	draw_day VARCHAR(8), 
	draw_proof BYTEA, 
	created_at BIGINT NOT NULL, 
	opened_at BIGINT, 
	due_at BIGINT, 
	closed_at BIGINT, 
	version BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_task PRIMARY KEY (district, task_id), 
	CONSTRAINT ck_task_role CHECK (role IN ('review', 'recheck', 'post_audit')), 
	CONSTRAINT ck_task_state CHECK (state IN ('waiting', 'opened', 'done', 'cancelled')), 
	CONSTRAINT fk_task_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id)
)
--;
CREATE INDEX ix_task_district_case_id_role ON task (district, case_id, role)
--;
CREATE INDEX ix_task_operator_id_state ON task (operator_id, state)
--;
COMMENT ON COLUMN task.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN task.task_id IS '128 random bits, hex'
--;
COMMENT ON COLUMN task.case_id IS 'case'
--;
COMMENT ON COLUMN task.role IS '环节'
--;
COMMENT ON COLUMN task.state IS '状态'
--;
COMMENT ON COLUMN task.desk_id IS '柜组'
--;
COMMENT ON COLUMN task.operator_id IS 'aae011 经办人 drawn by lot'
--;
COMMENT ON COLUMN task.draw_day IS 'day key used by the draw, YYYYMMDD'
--;
COMMENT ON COLUMN task.draw_proof IS 'HMAC of the draw: anyone can recompute it once the day key is revealed'
--;
COMMENT ON COLUMN task.created_at IS '分派时间'
--;
COMMENT ON COLUMN task.opened_at IS '打开时间'
--;
COMMENT ON COLUMN task.due_at IS '办理期限'
--;
COMMENT ON COLUMN task.closed_at IS '办结时间'
--;
COMMENT ON COLUMN task.version IS 'optimistic lock'
--;
CREATE TABLE decision (
	district VARCHAR(6) NOT NULL, 
	decision_id VARCHAR(32) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	task_id VARCHAR(32) NOT NULL, 
	role VARCHAR(12) NOT NULL, 
	verdict VARCHAR(8) NOT NULL, 
	operator_id VARCHAR(32) NOT NULL, 
	reason VARCHAR(400), 
	row_verdicts BYTEA, 
	signature BYTEA, 
	decided_at BIGINT NOT NULL, 
	CONSTRAINT pk_decision PRIMARY KEY (district, decision_id), 
	CONSTRAINT ck_decision_role CHECK (role IN ('review', 'recheck', 'post_audit')), 
	CONSTRAINT ck_decision_verdict CHECK (verdict IN ('pass', 'refuse', 'dispute')), 
	CONSTRAINT fk_decision_district_case_id FOREIGN KEY(district, case_id) REFERENCES service_case (district, case_id), 
	CONSTRAINT fk_decision_district_task_id FOREIGN KEY(district, task_id) REFERENCES task (district, task_id)
)
--;
CREATE UNIQUE INDEX ix_decision_district_case_id_role ON decision (district, case_id, role)
--;
COMMENT ON COLUMN decision.district IS '行政区划代码, distribution key'
--;
COMMENT ON COLUMN decision.decision_id IS '128 random bits, hex'
--;
COMMENT ON COLUMN decision.case_id IS 'case'
--;
COMMENT ON COLUMN decision.task_id IS 'task decided'
--;
COMMENT ON COLUMN decision.role IS '环节'
--;
COMMENT ON COLUMN decision.verdict IS '结论'
--;
COMMENT ON COLUMN decision.operator_id IS 'aae011 经办人'
--;
COMMENT ON COLUMN decision.reason IS 'aae013 意见'
--;
COMMENT ON COLUMN decision.row_verdicts IS 'canonical JSON of verdicts per row of a batch'
--;
COMMENT ON COLUMN decision.signature IS 'card signature over the decision, if the operator signed'
--;
COMMENT ON COLUMN decision.decided_at IS 'aae036 经办时间'
--;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = 'table ' || TG_TABLE_NAME || ' is insert-only', ERRCODE = 'restrict_violation';
END
$$
--;
CREATE TRIGGER access_log_no_change BEFORE UPDATE OR DELETE ON access_log
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER access_log_no_truncate BEFORE TRUNCATE ON access_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER applied_no_change BEFORE UPDATE ON applied
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER applied_no_truncate BEFORE TRUNCATE ON applied
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER case_part_no_change BEFORE UPDATE OR DELETE ON case_part
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER case_part_no_truncate BEFORE TRUNCATE ON case_part
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER case_row_failure_no_change BEFORE UPDATE OR DELETE ON case_row_failure
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER case_row_failure_no_truncate BEFORE TRUNCATE ON case_row_failure
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER case_step_no_change BEFORE UPDATE OR DELETE ON case_step
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER case_step_no_truncate BEFORE TRUNCATE ON case_step
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER decision_no_change BEFORE UPDATE OR DELETE ON decision
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON decision
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER feedback_step_no_change BEFORE UPDATE OR DELETE ON feedback_step
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER feedback_step_no_truncate BEFORE TRUNCATE ON feedback_step
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER late_fee_no_change BEFORE UPDATE OR DELETE ON late_fee
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER late_fee_no_truncate BEFORE TRUNCATE ON late_fee
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER medical_use_no_change BEFORE UPDATE OR DELETE ON medical_use
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER medical_use_no_truncate BEFORE TRUNCATE ON medical_use
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER person_merge_no_change BEFORE UPDATE OR DELETE ON person_merge
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER person_merge_no_truncate BEFORE TRUNCATE ON person_merge
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER personal_account_entry_no_change BEFORE UPDATE OR DELETE ON personal_account_entry
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER personal_account_entry_no_truncate BEFORE TRUNCATE ON personal_account_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER posting_no_change BEFORE UPDATE OR DELETE ON posting
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER posting_no_truncate BEFORE TRUNCATE ON posting
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER receipt_no_change BEFORE UPDATE OR DELETE ON receipt
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER receipt_no_truncate BEFORE TRUNCATE ON receipt
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER review_flow_no_change BEFORE UPDATE OR DELETE ON review_flow
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER review_flow_no_truncate BEFORE TRUNCATE ON review_flow
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER writeoff_no_change BEFORE UPDATE OR DELETE ON writeoff
FOR EACH ROW EXECUTE FUNCTION refuse_change()
--;
CREATE TRIGGER writeoff_no_truncate BEFORE TRUNCATE ON writeoff
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
